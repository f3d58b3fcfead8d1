//! A plan in words, and as the command line that repeats it.

use super::number::{counted, span};
use crate::domain::disk::{DiskPlan, FsyncDelay};
use crate::domain::fault::FaultKind;
use crate::domain::plan::{BackendChoice, DrillPlan, Field};
use crate::domain::trigger::Trigger;
use crate::domain::workload::Rate;

/// What was written and how fast.
#[must_use]
pub fn load_sentence(plan: &DrillPlan) -> String {
    let load = &plan.workload;
    let rate = match load.rate {
        Rate::PerSecond(rate) => format!("{rate} messages a second"),
        Rate::Max => "as fast as it goes".into(),
    };
    format!(
        "{}, {}, up to {} under way on each, {rate}, for {}, seed {}",
        counted(u64::from(load.sessions), "chat session"),
        counted(u64::from(load.writers), "connection"),
        counted(u64::from(load.depth), "write"),
        span(plan.stream_for),
        load.seed
    )
}

/// Disk, network and moment, a phrase each; empty if everything is as usual.
#[must_use]
pub fn condition_phrases(plan: &DrillPlan) -> Vec<String> {
    let mut phrases = Vec::new();
    if let Some(disk) = &plan.disk {
        phrases.push(format!(
            "Faulty disk: {}; {}",
            disk.metadata.explanation(),
            disk.tail.explanation()
        ));
        phrases.push(match disk.write_back {
            Some(age) => format!("The system writes back by itself after {}", span(age)),
            None => "The system never writes back by itself".into(),
        });
        match disk.fsync_delay {
            FsyncDelay::None => {}
            _ => phrases.push(format!(
                "An fsync takes longer: {}",
                disk.fsync_delay_words()
            )),
        }
        phrases.extend(
            disk.space_bytes
                .map(|bytes| format!("The disk is full after {}", counted(bytes, "byte"))),
        );
        let error = disk.io_error.as_ref();
        phrases.extend(error.map(|error| format!("I/O error at {error}")));
    }
    if plan.trigger != Trigger::Time {
        phrases.push(format!("Fault at the moment when {}", plan.trigger.words()));
    }
    phrases.extend(
        plan.save_time
            .map(|time| format!("A save is made to take about {}", span(time))),
    );
    phrases.extend(
        plan.damage
            .map(|d| format!("Damage before the restart: {d}")),
    );
    phrases.extend(plan.network.map(|n| format!("Network: {n}")));
    phrases.extend(plan.store.as_ref().map(|store| {
        format!(
            "Written and read back through your own store: {store}; what Redis' files hold of it is not counted, only estimated"
        )
    }));
    phrases
}

/// The command that performs the same drill again.
#[must_use]
pub fn command_line(plan: &DrillPlan) -> String {
    let mut words: Vec<String> = vec!["crashdrill".into(), "run".into()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    let load = &plan.workload;
    option("--preset", plan.preset.id.clone());
    option("--fault", plan.fault.kind.id().into());
    match plan.fault.kind {
        FaultKind::GracefulStop => option("--grace", seconds(plan.fault.grace)),
        FaultKind::Pause => option("--pause", seconds(plan.fault.pause)),
        _ => {}
    }
    option("--sessions", load.sessions.to_string());
    option("--writers", load.writers.to_string());
    option("--depth", load.depth.to_string());
    match load.rate {
        Rate::PerSecond(rate) => option("--rate", rate.to_string()),
        Rate::Max => option("--rate", "max".into()),
    }
    if let Some(bytes) = load.message_bytes {
        option("--message-bytes", bytes.to_string());
    }
    option("--seconds", seconds(plan.stream_for));
    if let Some(messages) = plan.max_messages {
        option("--messages", messages.to_string());
    }
    option("--seed", load.seed.to_string());
    option("--backend", plan.backend.id().into());
    let mut program = None;
    match &plan.backend {
        BackendChoice::Auto { image, program: p } => {
            option("--image", image.clone());
            program = p.as_ref();
        }
        BackendChoice::Docker { image } => option("--image", image.clone()),
        BackendChoice::Process { program: p } => program = p.as_ref(),
        BackendChoice::External(external) => {
            option("--url", without_password(&external.url));
            option("--kill-cmd", external.kill_command.clone());
            option("--start-cmd", external.start_command.clone());
        }
    }
    if let Some(program) = program {
        option("--server", program.display().to_string());
    }
    if let Some(max) = plan.gate.and_then(|gate| gate.max_lost) {
        option("--max-lost", max.to_string());
    }
    if plan.op_timeout != DrillPlan::DEFAULT_OP_TIMEOUT {
        option("--op-timeout", seconds(plan.op_timeout));
    }
    if let Some(max) = plan.gate.and_then(|gate| gate.max_window) {
        option("--max-window", seconds(max));
    }
    for (field, value) in conditions(plan) {
        option(field.option(), value);
    }
    for (field, asked) in [
        (Field::Compare, plan.compare),
        (Field::TailCut, plan.tail_cut),
        (Field::Repair, plan.repair),
    ] {
        words.extend(asked.then(|| field.option().to_owned()));
    }
    shell_words::join(words)
}

/// Disk, network and moment as they are typed; what is as usual is left out.
fn conditions(plan: &DrillPlan) -> Vec<(Field, String)> {
    let mut typed = Vec::new();
    if let Some(disk) = &plan.disk {
        let usual = DiskPlan::default();
        typed.push((Field::Disk, disk.metadata.to_string()));
        if disk.tail != usual.tail {
            typed.push((Field::Tail, disk.tail.to_string()));
        }
        if disk.write_back != usual.write_back {
            let never = "never".to_owned();
            typed.push((Field::WriteBack, disk.write_back.map_or(never, seconds)));
        }
        if disk.fsync_delay != usual.fsync_delay {
            typed.push((Field::FsyncDelay, disk.fsync_delay_words()));
        }
        typed.extend(disk.space_bytes.map(|b| (Field::DiskSpace, b.to_string())));
        let error = disk.io_error.as_ref();
        typed.extend(error.map(|error| (Field::IoError, error.to_string())));
    }
    if plan.trigger != Trigger::Time {
        typed.push((Field::Trigger, plan.trigger.to_string()));
    }
    typed.extend(plan.save_time.map(|t| (Field::SaveTime, seconds(t))));
    typed.extend(plan.damage.map(|d| (Field::Damage, d.to_string())));
    typed.extend(plan.network.map(|n| (Field::Network, n.to_string())));
    typed.extend(plan.store.clone().map(|store| (Field::Store, store)));
    typed
}

fn seconds(duration: std::time::Duration) -> String {
    duration.as_secs_f64().to_string()
}

/// A server's address with its password taken out, wherever it may have come from.
#[must_use]
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    match rest.rsplit_once('@') {
        None => url.to_owned(),
        Some((login, host)) => match login.split_once(':') {
            Some((user, _)) if !user.is_empty() => format!("{scheme}://{user}@{host}"),
            _ => format!("{scheme}://{host}"),
        },
    }
}
