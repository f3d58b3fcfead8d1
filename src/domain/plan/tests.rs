//! Drafts that are plans, and drafts that are told what is wrong with them.

use super::*;
use crate::domain::disk::{FilePattern, Metadata, Tail};

fn presets() -> Vec<Preset> {
    Preset::embedded()
}

#[test]
fn the_default_draft_is_a_plan() {
    let plan = PlanDraft::default().parse(&presets()).unwrap();
    assert_eq!(plan.preset.id, "rdb-5s");
    assert_eq!(plan.stream_for, Duration::from_secs(9));
    assert_eq!(
        plan.contract(FaultKind::ProcessKill),
        Contract::Preset(Promise::SinceSnapshot)
    );
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let draft = PlanDraft {
        preset: "nope".into(),
        sessions: 0,
        rate: f64::NAN,
        seconds: -1.0,
        ..PlanDraft::default()
    };
    let errors = draft.parse(&presets()).unwrap_err();
    let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
    assert_eq!(
        fields,
        [Field::Preset, Field::Sessions, Field::Rate, Field::Seconds]
    );
    assert!(errors[0].to_string().contains("rdb-5s"), "{}", errors[0]);
}

#[test]
fn a_container_fault_on_a_local_process_is_refused_with_the_way_out() {
    let draft = PlanDraft {
        backend: "process".into(),
        fault: FaultKind::ContainerRemoved,
        ..PlanDraft::default()
    };
    let errors = draft.parse(&presets()).unwrap_err();
    assert!(
        errors[0].message.contains("choose backend docker"),
        "{}",
        errors[0]
    );
}

fn draft(preset: &str, fault: FaultKind) -> PlanDraft {
    PlanDraft {
        preset: preset.into(),
        backend: "process".into(),
        fault,
        ..PlanDraft::default()
    }
}

fn field(draft: &PlanDraft) -> Field {
    let errors = draft.parse(&Preset::embedded()).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors[0].field
}

#[test]
fn a_power_loss_brings_its_disk_with_it() {
    let plan = draft("aof-everysec", FaultKind::PowerLoss)
        .parse(&Preset::embedded())
        .unwrap();
    assert_eq!(plan.disk, Some(DiskPlan::default()));
    let plan = draft("aof-everysec", FaultKind::ProcessKill)
        .parse(&Preset::embedded())
        .unwrap();
    assert_eq!(plan.disk, None);
}

#[test]
fn conditions_bring_the_disk_and_are_kept() {
    let plan = PlanDraft {
        disk: "strict".into(),
        tail: "ext4".into(),
        write_back: "never".into(),
        fsync_delay: "3s@5s".into(),
        disk_space: "64k".into(),
        io_error: "fsync:*.aof#3+".into(),
        trigger: "before-rename:*.rdb#1".into(),
        ..draft("mixed", FaultKind::ProcessKill)
    };
    let plan = plan.parse(&Preset::embedded()).unwrap();
    let disk = plan.disk.unwrap();
    assert_eq!(
        (disk.metadata, disk.tail, disk.write_back, disk.space_bytes),
        (Metadata::Strict, Tail::Ext4, None, Some(65_536))
    );
    assert_eq!(disk.fsync_delay_words(), "3s@5s");
    let slow = PlanDraft {
        fsync_delay: "5s:*.1.incr.aof".into(),
        ..draft("mixed", FaultKind::ProcessKill)
    };
    let some = slow.parse(&Preset::embedded()).unwrap().disk.unwrap();
    assert_eq!(some.fsync_delay_words(), slow.fsync_delay);
    assert_eq!(some.slow_files, Some(FilePattern("*.1.incr.aof".into())));
    assert_eq!(disk.io_error.unwrap().to_string(), "fsync:*.aof#3+");
    assert_eq!(plan.trigger.to_string(), "before-rename:*.rdb#1");
}

#[test]
fn each_error_stands_at_its_field() {
    use FaultKind::{GracefulStop, Pause, PowerLoss, ProcessKill};
    let everysec = |fault| draft("aof-everysec", fault);
    let wrong = [
        (
            Field::Disk,
            PlanDraft {
                disk: "posix".into(),
                ..everysec(ProcessKill)
            },
        ),
        (
            Field::Disk,
            PlanDraft {
                disk: "none".into(),
                ..everysec(PowerLoss)
            },
        ),
        (
            Field::Tail,
            PlanDraft {
                tail: "wag".into(),
                ..everysec(PowerLoss)
            },
        ),
        (
            Field::WriteBack,
            PlanDraft {
                write_back: "0".into(),
                ..everysec(PowerLoss)
            },
        ),
        (
            Field::FsyncDelay,
            PlanDraft {
                fsync_delay: "3s..1s".into(),
                ..everysec(PowerLoss)
            },
        ),
        (
            Field::DiskSpace,
            PlanDraft {
                disk_space: "10q".into(),
                ..everysec(PowerLoss)
            },
        ),
        (
            Field::IoError,
            PlanDraft {
                io_error: "fsync".into(),
                ..everysec(PowerLoss)
            },
        ),
        (
            Field::Trigger,
            PlanDraft {
                trigger: "noon".into(),
                ..everysec(ProcessKill)
            },
        ),
        (
            Field::Trigger,
            PlanDraft {
                trigger: "rewrite".into(),
                ..draft("rdb-5s", ProcessKill)
            },
        ),
        (
            Field::Trigger,
            PlanDraft {
                trigger: "aof-buffer".into(),
                ..draft("aof-always", ProcessKill)
            },
        ),
        (
            Field::Trigger,
            PlanDraft {
                trigger: "final-save".into(),
                ..everysec(ProcessKill)
            },
        ),
        (
            Field::Trigger,
            PlanDraft {
                trigger: "loading".into(),
                ..everysec(GracefulStop)
            },
        ),
        (
            Field::Damage,
            PlanDraft {
                damage: "flip:rdb".into(),
                ..everysec(ProcessKill)
            },
        ),
        (
            Field::Damage,
            PlanDraft {
                damage: "flip:aof".into(),
                ..everysec(Pause)
            },
        ),
        (
            Field::Network,
            PlanDraft {
                network: "storm".into(),
                ..everysec(ProcessKill)
            },
        ),
        (
            Field::Compare,
            PlanDraft {
                compare: true,
                ..everysec(GracefulStop)
            },
        ),
        (
            Field::TailCut,
            PlanDraft {
                tail_cut: true,
                ..everysec(PowerLoss)
            },
        ),
        (
            Field::SaveTime,
            PlanDraft {
                save_time: "soon".into(),
                ..everysec(ProcessKill)
            },
        ),
    ];
    for (expected, draft) in wrong {
        assert_eq!(field(&draft), expected);
    }
}

#[test]
fn a_plan_of_a_run_from_before_there_were_conditions_is_still_read() {
    let plan = draft("aof-everysec", FaultKind::ProcessKill);
    let plan = plan.parse(&presets()).unwrap();
    let mut old = serde_json::to_value(&plan).unwrap();
    let fields = old.as_object_mut().unwrap();
    for new in [
        "disk",
        "trigger",
        "damage",
        "network",
        "compare",
        "tail_cut",
        "save_time",
    ] {
        fields.remove(new).expect("a field of today's");
    }
    assert_eq!(serde_json::from_value::<DrillPlan>(old).unwrap(), plan);
}
