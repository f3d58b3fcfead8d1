//! The conditions of a drill as typed: disk, trigger, damage, network, and which of them go together.

use std::str::FromStr;
use std::time::Duration;

use super::draft::PlanDraft;
use super::field::{Field, FieldError};
use crate::domain::contract::parse_duration;
use crate::domain::damage::{Damage, DamagedFile};
use crate::domain::disk::{DiskPlan, FilePattern, FsyncDelay, IoError, Metadata, Tail};
use crate::domain::fault::FaultKind;
use crate::domain::network::NetworkFault;
use crate::domain::preset::{Keeping, Preset};
use crate::domain::trigger::Trigger;

#[derive(Default)]
pub(super) struct Conditions {
    pub disk: Option<DiskPlan>,
    pub trigger: Trigger,
    pub damage: Option<Damage>,
    pub network: Option<NetworkFault>,
    pub save_time: Option<Duration>,
    pub store: Option<String>,
}

type Errors = Vec<FieldError>;

impl PlanDraft {
    pub(super) fn conditions(&self, preset: Option<&Preset>, errors: &mut Errors) -> Conditions {
        let trigger: Trigger = parse(Field::Trigger, &self.trigger, errors).unwrap_or_default();
        let conditions = Conditions {
            disk: self.disk(&trigger, errors),
            damage: parse(Field::Damage, &self.damage, errors),
            network: parse(Field::Network, &self.network, errors),
            save_time: time(Field::SaveTime, &self.save_time, errors),
            store: self.store(errors),
            trigger,
        };
        self.look_at_trigger(&conditions.trigger, preset, errors);
        if let (Some(damage), Some(preset)) = (&conditions.damage, preset) {
            errors.extend(misplaced(damage, preset));
        }
        self.look_at_fault(&conditions, errors);
        self.look_at_backend(&conditions, errors);
        self.look_at_store(&conditions, errors);
        conditions
    }

    /// The disk that was asked for, or that fault and conditions need.
    fn disk(&self, trigger: &Trigger, errors: &mut Errors) -> Option<DiskPlan> {
        let needs = self.needs_disk(trigger);
        let asked = self.disk.trim();
        if asked == "none" {
            if let Some(what) = needs {
                errors.push(FieldError::new(
                    Field::Disk,
                    format!("{what} needs the faulty disk: choose sync, ordered or strict"),
                ));
            }
            return None;
        }
        if asked.is_empty() && needs.is_none() {
            return None;
        }
        let usual = DiskPlan::default();
        // A time holds no colon, so what stands behind one are files.
        let (delay, files) = match self.fsync_delay.split_once(':') {
            Some((_, files)) if files.trim().is_empty() => {
                let words = "name the files behind the colon, for example 5s:*.incr.aof";
                errors.push(FieldError::new(Field::FsyncDelay, words));
                ("", "")
            }
            Some((delay, files)) => (delay, files.trim()),
            None => (self.fsync_delay.as_str(), ""),
        };
        let metadata = parse::<Metadata>(Field::Disk, asked, errors);
        Some(DiskPlan {
            metadata: metadata.unwrap_or(usual.metadata),
            tail: parse::<Tail>(Field::Tail, &self.tail, errors).unwrap_or(usual.tail),
            write_back: match self.write_back.trim() {
                "" => usual.write_back,
                "never" => None,
                text => time(Field::WriteBack, text, errors),
            },
            fsync_delay: parse::<FsyncDelay>(Field::FsyncDelay, delay, errors).unwrap_or_default(),
            slow_files: (!files.is_empty()).then(|| FilePattern(files.to_owned())),
            space_bytes: bytes(Field::DiskSpace, &self.disk_space, errors),
            io_error: parse::<IoError>(Field::IoError, &self.io_error, errors),
            seed: self.seed,
        })
    }

    /// What of this draft cannot be done without the faulty disk.
    fn needs_disk(&self, trigger: &Trigger) -> Option<String> {
        let given = [
            (Field::Tail, &self.tail),
            (Field::WriteBack, &self.write_back),
            (Field::FsyncDelay, &self.fsync_delay),
            (Field::DiskSpace, &self.disk_space),
            (Field::IoError, &self.io_error),
        ];
        let given = given.iter().find(|(_, text)| !text.trim().is_empty());
        if self.fault == FaultKind::PowerLoss {
            return Some(FaultKind::PowerLoss.id().to_owned());
        }
        if trigger.needs_disk() {
            return Some(format!("{} {trigger}", Field::Trigger.option()));
        }
        if self.compare {
            return Some(Field::Compare.option().to_owned());
        }
        given.map(|(field, _)| field.option().to_owned())
    }

    fn look_at_trigger(&self, trigger: &Trigger, preset: Option<&Preset>, errors: &mut Errors) {
        let mut wrong = |text: String| errors.push(FieldError::new(Field::Trigger, text));
        let deadly = matches!(
            self.fault,
            FaultKind::ProcessKill | FaultKind::PowerLoss | FaultKind::ContainerRemoved
        );
        if matches!(trigger, Trigger::FinalSave | Trigger::Loading) && !deadly {
            wrong(format!(
                "{trigger} strikes a server that is stopping or starting: choose process-kill or power-loss"
            ));
        }
        let Some(preset) = preset else {
            return;
        };
        let keeping = preset.keeping();
        let aof = matches!(
            keeping,
            Keeping::AofAlways | Keeping::AofEverysec | Keeping::AofNo
        );
        let needs_aof = matches!(
            trigger,
            Trigger::Rewrite
                | Trigger::RewriteIncr
                | Trigger::RewriteManifest
                | Trigger::FsyncLate { .. }
                | Trigger::AofBuffer
        );
        if needs_aof && !aof {
            wrong(format!(
                "{trigger} never comes: preset {} keeps no AOF",
                preset.id
            ));
        }
        let fsyncs = keeping != Keeping::AofNo && keeping != Keeping::AofAlways;
        if *trigger == Trigger::AofBuffer && aof && !fsyncs {
            wrong(format!(
                "{trigger} never comes: only appendfsync everysec lets answered writes wait in memory"
            ));
        }
        if matches!(trigger, Trigger::FsyncLate { .. }) && keeping == Keeping::AofNo {
            wrong(format!(
                "{trigger} never comes: preset {} leaves fsync to the operating system",
                preset.id
            ));
        }
        if *trigger == Trigger::FinalSave && !preset.saves_when_stopped() {
            wrong(format!(
                "{trigger} never comes: preset {} has no save points, so it saves nothing when it is stopped",
                preset.id
            ));
        }
    }

    fn look_at_fault(&self, conditions: &Conditions, errors: &mut Errors) {
        if conditions.damage.is_some() && !self.fault.ends_server() {
            errors.push(FieldError::new(
                Field::Damage,
                "files are damaged between the server's death and its restart: choose a fault that ends it",
            ));
        }
        if self.compare && !matches!(self.fault, FaultKind::ProcessKill | FaultKind::PowerLoss) {
            errors.push(FieldError::new(
                Field::Compare,
                "compares a process kill with a power cut: choose one of them as the fault",
            ));
        }
        if conditions.disk.is_some() && self.fault == FaultKind::ContainerRemovedWithVolume {
            errors.push(FieldError::new(
                Field::Disk,
                "the data is deleted with the volume, whatever the disk does: choose another fault, or no disk",
            ));
        }
        if self.tail_cut && self.fault != FaultKind::ProcessKill {
            errors.push(FieldError::new(
                Field::TailCut,
                "follows a process kill: choose process-kill, or power-loss on the faulty disk",
            ));
        }
    }

    fn store(&self, errors: &mut Errors) -> Option<String> {
        let text = self.store_command.trim();
        if text.is_empty() {
            return None;
        }
        match shell_words::split(text) {
            Ok(words) if !words.is_empty() => Some(text.to_owned()),
            _ => {
                let message = format!("\"{text}\" is no command: a quote does not close");
                errors.push(FieldError::new(Field::Store, message));
                None
            }
        }
    }

    /// What lies in Redis is then the store's own affair: nothing that reads our own lists there can be done.
    fn look_at_store(&self, conditions: &Conditions, errors: &mut Errors) {
        if conditions.store.is_none() {
            return;
        }
        let cannot = [
            (Field::Compare, self.compare),
            (Field::TailCut, self.tail_cut),
            (Field::Repair, self.repair),
            (Field::Trigger, conditions.trigger == Trigger::AofBuffer),
        ];
        for (field, _) in cannot.into_iter().filter(|(_, asked)| *asked) {
            errors.push(FieldError::new(
                field,
                "counts our own writes in Redis' files, and with --store-cmd the store decides what it writes: leave one of the two out",
            ));
        }
    }

    /// An external server is not ours to put on another disk, to configure or to look into.
    fn look_at_backend(&self, conditions: &Conditions, errors: &mut Errors) {
        if self.backend != "external" {
            return;
        }
        let unseen = !matches!(
            conditions.trigger,
            Trigger::Time | Trigger::Acks { .. } | Trigger::FsyncLate { .. } | Trigger::AofBuffer
        );
        let cannot = [
            (
                Field::Disk,
                conditions.disk.is_some() && self.fault != FaultKind::PowerLoss,
            ),
            (Field::Damage, conditions.damage.is_some()),
            (Field::TailCut, self.tail_cut),
            (Field::Repair, self.repair),
            (Field::SaveTime, conditions.save_time.is_some()),
            (Field::Trigger, unseen),
        ];
        for (field, _) in cannot.into_iter().filter(|(_, asked)| *asked) {
            errors.push(FieldError::new(
                field,
                "an external server's files, log and settings are not ours: choose backend process or docker",
            ));
        }
    }
}

/// Damage to a file that the preset does not have.
fn misplaced(damage: &Damage, preset: &Preset) -> Option<FieldError> {
    let aof = matches!(
        preset.keeping(),
        Keeping::AofAlways | Keeping::AofEverysec | Keeping::AofNo
    );
    let there = match damage.file {
        DamagedFile::Aof | DamagedFile::Base | DamagedFile::Manifest => aof,
        DamagedFile::Rdb => !aof && preset.keeping() == Keeping::Snapshots,
    };
    (!there).then(|| {
        FieldError::new(
            Field::Damage,
            format!(
                "preset {} loads no such file after a restart: {damage}",
                preset.id
            ),
        )
    })
}

/// `None` if there is nothing or nothing sound.
fn parse<T: FromStr<Err = String>>(field: Field, text: &str, errors: &mut Errors) -> Option<T> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    text.parse()
        .map_err(|message: String| errors.push(FieldError::new(field, message)))
        .ok()
}

fn time(field: Field, text: &str, errors: &mut Errors) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    match parse_duration(text) {
        Ok(time) if !time.is_zero() && time.as_secs_f64() <= PlanDraft::MAX_SECONDS => Some(time),
        Ok(_) => {
            errors.push(FieldError::new(
                field,
                format!(
                    "{text}: it takes more than 0 and at most {} seconds",
                    PlanDraft::MAX_SECONDS
                ),
            ));
            None
        }
        Err(message) => {
            errors.push(FieldError::new(field, message));
            None
        }
    }
}

/// `100000`, `64k`, `10m`, `1g`, powers of 1024.
fn bytes(field: Field, text: &str, errors: &mut Errors) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let number = lower.trim_end_matches("ib").trim_end_matches('b');
    let (number, shift) = match number.as_bytes().last() {
        Some(b'k') => (&number[..number.len() - 1], 10),
        Some(b'm') => (&number[..number.len() - 1], 20),
        Some(b'g') => (&number[..number.len() - 1], 30),
        _ => (number, 0),
    };
    let bytes = number
        .trim()
        .parse::<u64>()
        .ok()
        .filter(|bytes| *bytes > 0)
        .and_then(|bytes| bytes.checked_mul(1 << shift));
    if bytes.is_none() {
        errors.push(FieldError::new(
            field,
            format!("\"{text}\" is no size: write for example 1000000, 64k or 10m"),
        ));
    }
    bytes
}
