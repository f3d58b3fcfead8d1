//! The report for machines. Its types are its own: the domain may change, this format only by version.
//! Described in `assets/report.schema.json`, which a test holds it to.

mod evidence;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::acts::{Act, acts};
use super::sessions::lost_ranges;
use super::wording;
use crate::domain::contract::{Contract, Promise};
use crate::domain::op::Micros;
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Class, Cut, FaultFinding, SessionState};
use crate::domain::workload::Rate;
use evidence::{ConditionsDto, DiskDto, LadderDto, MomentDto};

pub(super) const SCHEMA: &str = "crashdrill.report/1";

#[derive(Serialize)]
struct Report {
    schema: &'static str,
    tool_version: String,
    run: Run,
    verdict: &'static str,
    sentences: Sentences,
    counts: BTreeMap<&'static str, u64>,
    loss_window_secs: Option<f64>,
    sessions: BTreeMap<&'static str, u64>,
    cut: CutDto,
    grounds: Vec<GroundDto>,
    faults: Vec<FaultDto>,
    server: Option<Server>,
    plan: Plan,
    timeline: Vec<Event>,
    /// `null` if nobody looked.
    ladder: Option<LadderDto>,
    acts: Vec<Act>,
    lost: Vec<Lost>,
}

#[derive(Serialize)]
struct Run {
    id: String,
    began: String,
    backend: String,
}

#[derive(Serialize)]
struct Sentences {
    verdict: String,
    loss: String,
    promises: Vec<String>,
    why: Vec<String>,
    curves: String,
    sessions: String,
}

#[derive(Serialize)]
struct CutDto {
    kind: &'static str,
    sentence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    survived: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unexplained: Option<u64>,
}

#[derive(Serialize)]
struct GroundDto {
    ground: String,
    sentence: String,
}

#[derive(Serialize)]
struct FaultDto {
    fault: &'static str,
    at_secs: f64,
    dead_secs: Option<f64>,
    end: Option<String>,
    escalated: Option<bool>,
    contract: ContractDto,
    acked: u64,
    lost: u64,
    outside: u64,
    window_secs: Option<f64>,
    held: Option<bool>,
    cut: CutDto,
    last_snapshot_fork_secs: Option<f64>,
    aof_pending_bio_fsync: Option<u64>,
    aof_buffer_length: Option<u64>,
    /// What the faulty disk testified, if there was one.
    disk: Option<DiskDto>,
    /// Aim and hit, if the fault was armed.
    moment: Option<MomentDto>,
    promise_sentence: String,
    why_sentence: Option<String>,
}

#[derive(Serialize)]
struct ContractDto {
    kind: &'static str,
    may_lose: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_secs: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_lost: Option<u64>,
}

#[derive(Serialize)]
struct Server {
    engine: String,
    version: String,
    program: String,
    os: String,
    in_force: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Plan {
    preset: PresetDto,
    backend: &'static str,
    fault: &'static str,
    grace_secs: f64,
    pause_secs: f64,
    sessions: u32,
    writers: u16,
    depth: u16,
    /// `null` is as fast as it goes.
    rate_per_sec: Option<f64>,
    message_bytes: Option<u32>,
    seed: u64,
    stream_secs: f64,
    max_messages: Option<u64>,
    conditions: ConditionsDto,
    command: String,
}

#[derive(Serialize)]
struct PresetDto {
    id: String,
    title: String,
    directives: Vec<(String, String)>,
    promises: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Event {
    at_secs: f64,
    event: String,
    sentence: String,
}

#[derive(Serialize)]
struct Lost {
    session: u32,
    key: String,
    /// `[first, last]`, both included.
    seqs: Vec<(u32, u32)>,
}

pub(super) fn render(record: &RunRecord) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec_pretty(&report(record)).expect("plain data becomes JSON in memory");
    bytes.push(b'\n');
    bytes
}

fn report(record: &RunRecord) -> Report {
    let judgement = &record.judgement;
    let faults: Vec<FaultDto> = (0..judgement.faults.len())
        .map(|at| fault(record, at, &judgement.faults[at]))
        .collect();
    Report {
        schema: SCHEMA,
        tool_version: record.tool_version.clone(),
        run: Run {
            id: record.id.0.clone(),
            began: record.began.to_rfc3339(),
            backend: record.backend.clone(),
        },
        verdict: judgement.verdict.id(),
        sentences: Sentences {
            verdict: wording::verdict_sentence(record),
            loss: wording::loss_sentence(record),
            promises: faults.iter().map(|f| f.promise_sentence.clone()).collect(),
            why: faults
                .iter()
                .filter_map(|f| f.why_sentence.clone())
                .collect(),
            curves: wording::curves_sentence(record),
            sessions: wording::lanes_sentence(record),
        },
        counts: counts(record),
        loss_window_secs: judgement.loss_window_secs(),
        sessions: sessions(record),
        cut: cut(judgement.cut()),
        grounds: grounds(record),
        faults,
        server: server(record),
        plan: plan(record),
        timeline: timeline(record),
        ladder: record.ladder.as_deref().map(evidence::ladder),
        acts: acts(record),
        lost: lost_ranges(record)
            .into_iter()
            .map(|(session, seqs)| Lost {
                session: session.0,
                key: record.keys.key(session),
                seqs,
            })
            .collect(),
    }
}

fn counts(record: &RunRecord) -> BTreeMap<&'static str, u64> {
    let counts = &record.judgement.counts;
    let mut by_name: BTreeMap<_, _> = Class::ALL
        .into_iter()
        .map(|class| (class.id(), counts.of(class)))
        .collect();
    by_name.insert("attempted", counts.attempted);
    by_name.insert("acked", counts.acked);
    by_name.insert("unexpected", counts.unexpected);
    by_name
}

fn sessions(record: &RunRecord) -> BTreeMap<&'static str, u64> {
    let sessions = &record.judgement.sessions;
    let states = SessionState::WORST_FIRST.into_iter();
    let mut by_name: BTreeMap<_, _> = states.map(|s| (s.id(), sessions.of(s))).collect();
    by_name.insert("total", sessions.total);
    by_name
}

fn cut(cut: &Cut) -> CutDto {
    let mut dto = CutDto {
        kind: "not_needed",
        sentence: wording::cut_sentence(cut),
        survived: None,
        lost: None,
        after_secs: None,
        not_after_secs: None,
        unexplained: None,
    };
    match cut {
        Cut::NotNeeded => {}
        Cut::Clean {
            survived,
            lost,
            after,
            not_after,
        } => {
            dto.kind = "clean";
            dto.survived = Some(*survived);
            dto.lost = Some(*lost);
            dto.after_secs = Some(after.secs());
            dto.not_after_secs = Some(not_after.secs());
        }
        Cut::Anomaly { unexplained, .. } => {
            dto.kind = "anomaly";
            dto.unexplained = Some(*unexplained);
        }
    }
    dto
}

fn grounds(record: &RunRecord) -> Vec<GroundDto> {
    let grounds = record.judgement.grounds.iter();
    grounds
        .map(|ground| GroundDto {
            ground: tag(ground, "ground"),
            sentence: wording::ground_sentence(ground, record),
        })
        .collect()
}

/// The variant's name under which the domain serialises it.
fn tag(value: &impl Serialize, field: &str) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    let name = value.get(field).and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

fn fault(record: &RunRecord, at: usize, finding: &FaultFinding) -> FaultDto {
    let performed = record.history.faults.get(at);
    let before = performed.and_then(|fault| fault.before.as_ref());
    FaultDto {
        fault: finding.fault.id(),
        at_secs: finding.at.secs(),
        dead_secs: performed.map(|fault| fault.dead.secs()),
        end: performed.map(|fault| fault.end.to_string()),
        escalated: performed.map(|fault| fault.escalated),
        contract: contract(&finding.contract),
        acked: finding.acked,
        lost: finding.lost,
        outside: finding.outside,
        window_secs: finding.window.map(|window| window.as_secs_f64()),
        held: finding.held,
        cut: cut(&finding.cut),
        last_snapshot_fork_secs: performed
            .and_then(|fault| fault.last_snapshot)
            .map(|snapshot| snapshot.fork.secs()),
        aof_pending_bio_fsync: before.map(|info| info.aof_pending_bio_fsync),
        aof_buffer_length: before.map(|info| info.aof_buffer_length),
        disk: performed
            .and_then(|fault| fault.disk.as_ref())
            .map(evidence::disk),
        moment: performed
            .and_then(|fault| fault.hit.as_ref())
            .map(|hit| evidence::moment(record, at, hit)),
        promise_sentence: wording::promise_sentence(finding),
        why_sentence: wording::why_sentence(record, at),
    }
}

fn contract(contract: &Contract) -> ContractDto {
    let (kind, may_lose, window, max_lost) = match contract {
        Contract::Preset(promise) => {
            let window = match promise {
                Promise::Window { window } => Some(*window),
                _ => None,
            };
            ("preset", promise.to_string(), window, None)
        }
        Contract::Gate(gate) => ("gate", "limits".into(), gate.max_window, gate.max_lost),
    };
    ContractDto {
        kind,
        may_lose,
        window_secs: window.map(|window| window.as_secs_f64()),
        max_lost,
    }
}

fn server(record: &RunRecord) -> Option<Server> {
    record.server.as_ref().map(|server| Server {
        engine: server.engine.clone(),
        version: server.version.clone(),
        program: server.program.clone(),
        os: server.os.clone(),
        in_force: server.in_force.clone(),
    })
}

fn plan(record: &RunRecord) -> Plan {
    let plan = &record.plan;
    let directives = plan.preset.directives.iter();
    let promises = plan.preset.promises.iter();
    Plan {
        preset: PresetDto {
            id: plan.preset.id.clone(),
            title: plan.preset.title.clone(),
            directives: directives
                .map(|d| (d.name.clone(), d.value.clone()))
                .collect(),
            promises: promises.map(|(f, p)| (f.id(), p.to_string())).collect(),
        },
        backend: plan.backend.id(),
        fault: plan.fault.kind.id(),
        grace_secs: plan.fault.grace.as_secs_f64(),
        pause_secs: plan.fault.pause.as_secs_f64(),
        sessions: plan.workload.sessions,
        writers: plan.workload.writers,
        depth: plan.workload.depth,
        rate_per_sec: match plan.workload.rate {
            Rate::PerSecond(rate) => Some(rate),
            Rate::Max => None,
        },
        message_bytes: plan.workload.message_bytes,
        seed: plan.workload.seed,
        stream_secs: plan.stream_for.as_secs_f64(),
        max_messages: plan.max_messages,
        conditions: evidence::conditions(plan),
        command: wording::command_line(plan),
    }
}

fn timeline(record: &RunRecord) -> Vec<Event> {
    let events = record.timeline.iter();
    events
        .map(|timed| Event {
            at_secs: Micros::secs(timed.at),
            event: tag(&timed.event, "event"),
            sentence: wording::events::event_sentence(&timed.event),
        })
        .collect()
}
