//! Power cuts, precise moments, the ladder and what scratch servers found.

use crashdrill::app::action::Action;
use crashdrill::app::effect::{Effect, Fact};
use crashdrill::app::state::{NoDisk, Shown, View};
use crashdrill::app::update::act;
use crashdrill::domain::event::{DrillEvent, Phase, Progress};
use crashdrill::domain::fault::{Fault, FaultKind, FaultRecord, ServerEnd};
use crashdrill::domain::op::Micros;
use crashdrill::domain::plan::PlanDraft;
use crashdrill::domain::trigger::Trigger;
use crashdrill::engine::command::Command;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::act_fixture as acts;
use crate::drill_fixture::Spec;
use crate::stage::{Play, Stage};

const AT: Micros = Micros(6_200_000);

fn edit(stage: &mut Stage, change: impl FnOnce(&mut PlanDraft)) {
    let mut draft = stage.state().plan.draft.clone();
    change(&mut draft);
    let action = Action::EditPlan(Box::new(draft));
    stage.window.state_mut().act(action);
    stage.settle();
}

fn died(stage: &mut Stage, kind: FaultKind) {
    let fault = Fault::new(kind);
    let record = FaultRecord {
        fault,
        at: AT,
        dead: AT,
        end: ServerEnd::Signal { signal: 9 },
        escalated: false,
        before: None,
        last_snapshot: None,
        disk: None,
        hit: None,
    };
    stage.tell(
        6.2,
        DrillEvent::FaultBegan {
            fault,
            before: None,
        },
    );
    stage.tell(
        6.2,
        DrillEvent::FaultDone {
            record: record.into(),
        },
    );
    stage.look(6.2, Phase::Down);
}

#[test]
fn a_power_loss_promises_in_plain_words_and_brings_its_disk() {
    let mut stage = Stage::new(Play::Mute);
    edit(&mut stage, |draft| draft.preset = "aof-everysec".into());
    stage.click("Process");
    stage.click("Fault");
    stage.click("Power loss");
    assert_eq!(stage.state().plan.draft.fault, FaultKind::PowerLoss);
    assert!(stage.reads("After a power loss it may lose what was acknowledged in the last 2 s"));
    assert!(stage.reads("every byte and every rename that was not fsynced is gone"));
    stage.click("Undo plan edit");
    assert_eq!(stage.state().plan.draft.fault, FaultKind::ProcessKill);
}

#[test]
fn where_no_faulty_disk_can_be_had_it_is_greyed_with_the_reason() {
    let mut stage = Stage::new(Play::Mute);
    stage.click("Process");
    let reason = "/dev/fuse is missing: load the module fuse".to_owned();
    stage.learn(Fact::DiskLookedAt(NoDisk {
        process: Some(reason.clone()),
        docker: None,
    }));
    stage.click("Fault");
    assert!(!stage.enabled("Power loss"));
    stage.click("Process kill");
    stage.find_and_click("Disk");
    stage.find_and_click("Second acts");
    assert!(stage.reads(&reason));
    assert!(!stage.enabled("Names survive") && !stage.enabled("Compare kill and power cut"));
    stage.find_and_click("External");
    assert!(stage.reads("An external server's files are not ours"));
}

#[test]
fn every_condition_of_the_disk_can_be_set_and_is_wrong_where_it_stands() {
    let mut stage = Stage::new(Play::Mute);
    stage.find_and_click("Disk");
    for name in ["Write-back", "Fsync takes", "Space", "I/O error"] {
        stage
            .window
            .get_by_role_and_label(egui::accesskit::Role::TextInput, name);
    }
    stage.find_and_click("Names survive");
    stage.click("Strict");
    assert_eq!(stage.state().plan.draft.disk, "strict");
    assert!(stage.reads("the worst case of POSIX"));
    stage.find_and_click("Unsynced tail");
    stage.click("Ext4: ends in zeros");
    assert_eq!(stage.state().plan.draft.tail, "ext4");
    edit(&mut stage, |draft| draft.fsync_delay = "3s..1s".into());
    assert!(stage.reads("the shorter time comes first"));
    stage.find_and_click("Disk");
    stage.window.run_steps(20);
    assert!(
        stage.reads("the shorter time comes first"),
        "also in a folded section"
    );
    for _ in 0..3 {
        stage.click("Undo plan edit");
    }
    assert_eq!(
        stage.state().plan.draft,
        PlanDraft::default(),
        "each choice is one step back"
    );
}

#[test]
fn a_moment_is_chosen_with_its_explanation_and_its_number() {
    let mut stage = Stage::new(Play::Mute);
    stage.find_and_click("Moment");
    assert!(stage.reads("when the streaming time is over"));
    stage.find_and_click("Strikes");
    stage.click("During a BGSAVE");
    assert_eq!(stage.state().plan.draft.trigger, "bgsave=40%");
    assert!(
        stage.reads("The fault strikes at the moment when a BGSAVE has written 40 % of its keys")
    );
    stage
        .window
        .get_by_role_and_label(egui::accesskit::Role::SpinButton, "Share");
    stage.find_and_click("Strikes");
    stage.find_and_click("Disk operation");
    stage
        .window
        .get_by_role_and_label(egui::accesskit::Role::TextInput, "Operation");
    edit(&mut stage, |draft| draft.trigger = "before-rename:".into());
    assert!(stage.reads("names no files"));
    // What never comes under this preset is said before anything starts.
    edit(&mut stage, |draft| draft.trigger = "rewrite".into());
    assert!(stage.reads("keeps no AOF"));
}

#[test]
fn damage_second_acts_and_the_network_have_their_fields() {
    let mut stage = Stage::new(Play::Mute);
    edit(&mut stage, |draft| draft.preset = "aof-everysec".into());
    stage.find_and_click("Damage");
    stage.find_and_click("To a file");
    stage.click("Zero the end");
    assert_eq!(stage.state().plan.draft.damage, "zero:aof=4096");
    stage
        .window
        .get_by_role_and_label(egui::accesskit::Role::SpinButton, "Bytes");
    stage.find_and_click("File");
    stage.click("Snapshot");
    assert!(
        stage.reads("loads no such file"),
        "and what makes no sense is said"
    );
    stage.find_and_click("Second acts");
    for check in [
        "Compare kill and power cut",
        "Cut the tail afterwards",
        "Repair if it refuses to start",
    ] {
        stage.find_and_click(check);
    }
    let draft = &stage.state().plan.draft;
    assert!(draft.compare && draft.tail_cut && draft.repair);
    stage.find_and_click("Network");
    stage.find_and_click("Does");
    stage.click("Loses replies");
    assert_eq!(stage.state().plan.draft.network, "lost-reply@3s");
    assert!(stage.reads("those writes are in doubt"));
}

#[test]
fn what_a_kill_and_a_cut_take_now_stands_beside_the_buttons() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    // Second 6: the ladder's last fsync began at 6.0 of its own time, 0.4 s before the run's.
    assert!(stage.has("A process kill now takes 0"));
    assert!(stage.has("A power cut now takes 0"));
    stage.look(4.9, Phase::Streaming);
    assert!(stage.has("A process kill now takes 1,000, 0.50 s"));
    assert!(stage.has("A power cut now takes 3,000, 1.50 s"));
    assert!(!stage.reads("estimated"));
    stage.learn(Fact::Progress(Progress {
        phase: Phase::Streaming,
        gaps_exact: false,
        ..stage.state().drill.progress.clone()
    }));
    assert!(stage.has("estimated"));
    stage.learn(Fact::Progress(Progress {
        phase: Phase::Streaming,
        ..Progress::default()
    }));
    assert!(stage.reads("What a power cut takes now is not known yet"));
}

#[test]
fn the_ladder_has_its_sentence_its_steps_and_its_gauges() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    stage.click("Ladder");
    assert_eq!(stage.state().picture.view, View::Ladder);
    for name in [
        "sent",
        "acknowledged",
        "written to the file",
        "fsynced",
        "in a snapshot",
        "a process kill takes",
        "a power cut takes",
    ] {
        assert!(stage.has(name), "{name}");
    }
    stage.look(4.9, Phase::Streaming);
    for gauge in [
        "Fsync in flight 1",
        "Fsyncs delayed 0",
        "AOF buffer 184,320 B",
        "Unsaved 5,000",
        "Last fork took 0.4 ms",
    ] {
        assert!(stage.has(gauge), "{gauge}");
    }
    assert!(
        stage.reads(
            "3,000 acknowledged messages not durable now, the oldest acknowledged 1.5 s ago"
        )
    );
}

#[test]
fn a_judged_run_keeps_its_ladder() {
    let mut stage = Stage::new(Play::Mute);
    stage.show_with(&Spec::SMALL, |record| {
        let ladder = acts::ladder(0.1, 12.4, 2000.0);
        record.ladder = Some(std::sync::Arc::new(ladder));
    });
    stage.click("Ladder");
    assert!(stage.reads("At the widest, a process kill would have taken"));
    assert!(stage.reads("Last save"));
    stage.show(&Spec::SMALL);
    assert!(stage.has("This run kept no ladder"));
}

#[test]
fn the_new_orders_have_buttons_keys_and_reasons() {
    let mut stage = Stage::new(Play::Mute);
    let orders = [
        Action::Compare,
        Action::WhatIf,
        Action::PowerCut,
        Action::Arm,
        Action::Repair,
        Action::CutTail,
    ];
    for order in &orders {
        assert_eq!(
            order.available(stage.state()),
            Err("Start the server first")
        );
    }
    stage.climb();
    for button in ["Cut power", "Kill & compare", "What if now?"] {
        assert!(stage.enabled(button), "{button}");
    }
    assert!(!stage.enabled("Arm"), "no moment was chosen");
    edit(&mut stage, |draft| draft.trigger = "rewrite".into());
    assert!(stage.enabled("Arm"));
    died(&mut stage, FaultKind::ProcessKill);
    assert!(stage.enabled("Cut the tail") && !stage.enabled("Repair"));
    let end = ServerEnd::Exit { code: 1 };
    stage.tell(
        7.0,
        DrillEvent::ServerRefused {
            end,
            words: acts::words(),
        },
    );
    assert!(stage.enabled("Repair"));
    let keys: std::collections::BTreeSet<String> = orders
        .iter()
        .map(|order| format!("{:?}", order.shortcut().unwrap().logical_key))
        .collect();
    assert_eq!(keys.len(), orders.len());
}

#[test]
fn a_server_without_the_faulty_disk_says_what_to_do() {
    let mut stage = Stage::new(Play::Mute);
    stage.window.state_mut().act(Action::StartServer);
    stage.stream();
    for order in [Action::PowerCut, Action::Compare, Action::WhatIf] {
        let reason = order.available(stage.state()).unwrap_err();
        assert!(reason.contains("choose one under Disk"), "{reason}");
    }
    assert!(!stage.enabled("What if now?"));
}

#[test]
fn each_order_becomes_the_engines_command() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    let mut state = crashdrill::app::update::start(Default::default(), crate::stage::presets());
    let draft = PlanDraft {
        preset: "aof-everysec".into(),
        backend: "process".into(),
        fault: FaultKind::PowerLoss,
        trigger: "rewrite".into(),
        ..PlanDraft::default()
    };
    act(&mut state, Action::EditPlan(Box::new(draft)));
    act(&mut state, Action::StartServer);
    state.drill.progress.phase = Phase::Streaming;
    let mut order = |action| match act(&mut state, action).pop() {
        Some(Effect::Order(command)) => command,
        other => panic!("{other:?}"),
    };
    let power = Fault::new(FaultKind::PowerLoss);
    assert_eq!(order(Action::PowerCut), Command::Fault(power));
    assert_eq!(order(Action::Compare), Command::Compare);
    assert_eq!(order(Action::WhatIf), Command::WhatIf);
    assert_eq!(order(Action::Arm), Command::Arm(power, Trigger::Rewrite));
}

#[test]
fn an_armed_fault_says_what_it_waits_for_and_can_be_taken_back() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    let fault = Fault::new(FaultKind::PowerLoss);
    let trigger = Trigger::RewriteManifest;
    stage.tell(6.5, DrillEvent::Armed { fault, trigger });
    assert!(stage.reads("waits until an AOF rewrite is about to swap the manifest"));
    assert!(stage.enabled("Disarm"));
    stage.tell(6.6, DrillEvent::Disarmed);
    assert!(stage.has("Arm") && !stage.reads("waits until"));
}

#[test]
fn kill_and_compare_shows_both_ends_side_by_side() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    let comparison = acts::comparison(AT, 12_000);
    stage.tell(6.2, DrillEvent::Compared { comparison });
    assert_eq!(
        stage.state().picture.view,
        View::Images,
        "it comes by itself"
    );
    for text in [
        "The same instant, two ends",
        "0 lost",
        "841 lost",
        "everything is there",
    ] {
        assert!(stage.has(text), "{text}");
    }
    let kill = stage
        .window
        .get_all_by_label("Process kill")
        .map(|node| node.rect().left());
    let power = stage
        .window
        .get_all_by_label("Power cut")
        .map(|node| node.rect().left());
    assert!(kill.fold(f32::MAX, f32::min) < power.fold(f32::MIN, f32::max));
    stage.click("Curves");
    assert!(stage.reads("Acknowledged over time"));
    stage.click("What if");
    assert!(stage.has("841 lost"));
}

#[test]
fn a_refused_image_shows_the_servers_words() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    let comparison = acts::refused_comparison(AT, 12_000);
    stage.tell(6.2, DrillEvent::Compared { comparison });
    assert!(stage.has("Refuses to start"));
    assert!(stage.reads("Bad file format reading the append only file"));
}

#[test]
fn what_if_a_range_and_a_repair_are_cards_newest_first() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    let image = crashdrill::domain::image::Image::Durable;
    let finding = acts::finding(image, AT, 12_000, 841);
    stage.tell(6.2, DrillEvent::WhatIf { finding });
    assert!(stage.has("Had the power failed"));
    let image = crashdrill::domain::image::Image::Durable;
    let finding = acts::finding(image, AT, 0, 0);
    stage.tell(6.2, DrillEvent::WhatIf { finding });
    assert!(
        stage.has("Nothing to lose"),
        "nothing acknowledged is nothing kept"
    );
    stage.tell(
        8.0,
        DrillEvent::TailCutTried {
            tail_cut: acts::tail_cut(AT, 12_000),
        },
    );
    assert!(stage.has("0 to 819 lost"));
    assert!(stage.reads("A range, not an observation"));
    stage.tell(
        9.0,
        DrillEvent::Repaired {
            repair: acts::repair(AT, 12_000),
        },
    );
    assert!(stage.has("11,159 of 12,000 saved"));
    assert!(stage.reads("Successfully truncated AOF"));
    let top = |label: &str| {
        let mut all = stage.window.query_all_by_label(label);
        all.next().unwrap().rect().top()
    };
    assert!(top("Repair on a copy") < top("Cut the tail: a range, not an observation"));
}

#[test]
fn the_timeline_tells_the_second_acts() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    stage.tell(
        7.0,
        DrillEvent::DamageDone {
            done: acts::damage(),
        },
    );
    stage.tell(
        7.1,
        DrillEvent::Repaired {
            repair: acts::repair(AT, 12_000),
        },
    );
    // Words of others may run the other way: they are shown, and break nothing.
    let words = vec!["خطأ في الملف 🙈 bad file".to_owned()];
    stage.tell(
        7.2,
        DrillEvent::ServerRefused {
            end: ServerEnd::Exit { code: 1 },
            words,
        },
    );
    assert!(stage.reads("One bit of appendonlydir/appendonly.aof.1.incr.aof was flipped"));
    assert!(stage.reads("redis-check-aof --fix on a copy removed 319 bytes"));
    assert!(stage.reads("bad file"));
}

#[test]
fn letters_for_the_new_orders_speak_only_where_they_may() {
    let mut stage = Stage::new(Play::Mute);
    stage.climb();
    stage.click("Runs");
    stage.window.key_press_modifiers(Modifiers::NONE, Key::P);
    stage.settle();
    assert!(stage.state().drill.running);
    assert!(matches!(stage.state().picture.shown, Shown::Live(_)));
}

#[test]
fn every_new_choice_is_reached_by_role_and_name() {
    let mut stage = Stage::new(Play::Mute);
    for section in ["Moment", "Disk", "Damage", "Second acts", "Network"] {
        let node = stage
            .window
            .get_by_role_and_label(egui::accesskit::Role::Button, section);
        assert!(!node.accesskit_node().is_disabled());
    }
    for section in ["Network", "Second acts", "Damage", "Disk", "Moment"] {
        stage.find_and_click(section);
    }
    for name in [
        "Strikes",
        "Names survive",
        "Unsynced tail",
        "To a file",
        "Does",
    ] {
        stage
            .window
            .get_by_role_and_label(egui::accesskit::Role::ComboBox, name);
    }
}
