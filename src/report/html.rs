//! The report as one page: self-contained, offline, light and dark. Style lies in `assets/report.css`.
//!
//! maud escapes every text; the only markup that passes raw is our own: style, icons, pictures.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::sessions::{Excerpt, worst};
use super::svg;
use super::wording::number::{count, counted, instant, span};
use super::wording::{self, events::event_sentence};
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Class, SessionState, Verdict};

const STYLE: &str = include_str!("../../assets/report.css");
const LANES: usize = 32;
const ROWS: usize = 20;

pub(super) fn render(record: &RunRecord) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content="Crashdrill";
                // Nothing is loaded and nothing runs, whatever a chat message may contain.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (wording::verdict_sentence(record)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (headline(record))
                    (tiles(record))
                    (curves(record))
                    (lanes(record))
                    (ladder(record))
                    (acts(record))
                    (transcript(record))
                    (sessions(record))
                    (grounds(record))
                    (timeline(record))
                    (setup(record))
                    (evidence(record))
                    footer { "Made by Crashdrill " (record.tool_version) }
                }
            }
        }
    };
    page.into_string()
}

fn headline(record: &RunRecord) -> Markup {
    let judgement = &record.judgement;
    let lost = judgement.counts.lost > 0;
    html! {
        header {
            p.eyebrow {
                b { bdi { (record.plan.preset.title) } }
                span { (record.plan.fault.kind.title()) }
                @if let Some(server) = &record.server {
                    span { bdi { (server.engine) } " " (server.version) }
                }
                span { (record.began.format("%Y-%m-%d %H:%M UTC")) }
            }
            p.verdict.(judgement.verdict.id()) {
                (icon(judgement.verdict))
                span { (wording::verdict_sentence(record)) }
            }
            h1.headline.lost[lost] { (wording::loss_sentence(record)) }
            @for (at, finding) in judgement.faults.iter().enumerate() {
                p.promise { (wording::promise_sentence(finding)) }
                @if let Some(why) = wording::why_sentence(record, at) {
                    p.why { (why) }
                }
                @if let Some(moment) = wording::moment_sentence(record, at) {
                    p.why { (moment) }
                }
            }
        }
    }
}

fn icon(verdict: Verdict) -> Markup {
    let (path, name) = match verdict {
        Verdict::Held => ("M10 17.5l5 5 9.5-11", verdict.title()),
        Verdict::Violated => ("M11 11l12 12M23 11L11 23", verdict.title()),
        Verdict::Inconclusive => (
            "M12.5 13.5c0-6 9-6 9-.5 0 3.500-4.500 3.500-4.500 7M17 24.500v.1",
            verdict.title(),
        ),
    };
    html! {
        svg viewBox="0 0 34 34" role="img" aria-label=(name) {
            circle cx="17" cy="17" r="15.5" fill="none" stroke="currentColor" stroke-width="2.5" {}
            path d=(path) fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

fn tiles(record: &RunRecord) -> Markup {
    let counts = &record.judgement.counts;
    let window = record.judgement.loss_window;
    html! {
        dl.tiles {
            div { dt { "acknowledged" } dd { (count(counts.acked)) } }
            div { dt { "survived" } dd { (count(counts.survived)) } }
            div { dt { "lost" } dd.bad[counts.lost > 0] { (count(counts.lost)) } }
            div { dt { "loss window" } dd.bad[window.is_some()] { (window.map_or("none".into(), span)) } }
            @for class in Class::ALL {
                @if !matches!(class, Class::Survived | Class::Lost) && counts.of(class) > 0 {
                    div title=(wording::class_words(class)) { dt { (class.id()) } dd { (count(counts.of(class))) } }
                }
            }
            @if counts.unexpected > 0 {
                div { dt { "unexpected" } dd { (count(counts.unexpected)) } }
            }
        }
    }
}

fn acts(record: &RunRecord) -> Markup {
    let acts = wording::acts::act_sentences(record);
    html! {
        @if !acts.is_empty() {
            section {
                h2 { "Second acts" }
                @for (title, says) in acts {
                    p.says { b { (title) } ": " bdi { (says) } }
                }
                (images(record))
            }
        }
    }
}

/// What scratch servers found, side by side.
fn images(record: &RunRecord) -> Markup {
    let events = record.timeline.iter();
    let findings: Vec<_> = events
        .flat_map(|timed| wording::acts::findings(&timed.event))
        .collect();
    html! {
        @if !findings.is_empty() {
            table {
                thead { tr { th { "image" } th { "at" } th.n { "acknowledged" } th.n { "lost" } th { "found out" } } }
                tbody {
                    @for finding in findings {
                        tr {
                            td.at { (wording::acts::image_words(&finding.image)) }
                            td.at { (instant(finding.at)) }
                            td.n { (count(finding.acked)) }
                            td.n { (finding.lost().map_or("–".into(), count)) }
                            td { bdi { (wording::acts::outcome_words(finding)) } }
                        }
                    }
                }
            }
        }
    }
}

fn curves(record: &RunRecord) -> Markup {
    html! {
        @if record.judgement.counts.acked > 0 {
            section {
                h2 { "Written and recovered" }
                p.says { (wording::curves_sentence(record)) }
                (PreEscaped(svg::curves(record)))
                p.legend {
                    span { i style="background:var(--ink)" {} "acknowledged" }
                    span { i style="background:var(--recovered)" {} "recovered" }
                    span { i style="background:var(--lost);opacity:.4" {} "lost" }
                }
            }
        }
    }
}

fn lanes(record: &RunRecord) -> Markup {
    let total = record.judgement.findings.len();
    html! {
        @if record.judgement.counts.acked > 0 {
            section {
                h2 { "The cut through the sessions" }
                p.says {
                    (wording::cut_sentence(record.judgement.cut()))
                    br;
                    "Each message is a tick, in the order of acknowledgement"
                    @if total > LANES {
                        "; shown are the " (LANES) " of " (counted(total as u64, "session")) " that lost most"
                    }
                }
                (PreEscaped(svg::lanes(record, LANES)))
                p.legend {
                    span { i style="background:var(--recovered)" {} "recovered" }
                    span { i style="background:var(--lost)" {} "lost" }
                    span { i style="background:var(--flight)" {} "in flight or not read" }
                    span { i style="background:var(--damaged)" {} "damaged" }
                }
            }
        }
    }
}

fn transcript(record: &RunRecord) -> Markup {
    let Some(excerpt) = Excerpt::of_worst(record) else {
        return html! {};
    };
    html! {
        section {
            h2 { "Session " (excerpt.finding.session) }
            p.says {
                (counted(excerpt.finding.lost.into(), "message")) " of " (count(excerpt.finding.acked.into()))
                " vanished from this conversation"
            }
            div.chat {
                @if excerpt.before > 0 { p.more { (counted(excerpt.before as u64, "message")) " before" } }
                @for bubble in &excerpt.bubbles {
                    @let vanished = bubble.class == Class::Lost;
                    div.bubble.user[bubble.said.role == "user"].vanished[vanished] {
                        small {
                            (bubble.seq) " " (bubble.said.role)
                            @if vanished { ", vanished" }
                            @else if bubble.class != Class::Survived { ", " (bubble.class.id()) }
                        }
                        @if vanished { s dir="auto" { (bubble.said.content) } }
                        @else { span dir="auto" { (bubble.said.content) } }
                    }
                }
                @if excerpt.after > 0 { p.more { (counted(excerpt.after as u64, "message")) " after" } }
            }
        }
    }
}

fn sessions(record: &RunRecord) -> Markup {
    let rows = worst(record, ROWS);
    let total = record.judgement.findings.len();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Sessions" }
                p.says { (wording::lanes_sentence(record)) }
                div.scroll {
                    table {
                        thead { tr {
                            th { "session" } th { "state" } th.n { "acknowledged" } th.n { "lost" } th.n { "found" } th { "share" }
                        } }
                        tbody {
                            @for row in &rows {
                                tr {
                                    td { code { (row.session) } }
                                    td { span.badge.bad[row.state != SessionState::Intact] title=(wording::state_words(row.state)) { (row.state.title()) } }
                                    td.n { (count(row.acked.into())) }
                                    td.n.bad[row.lost > 0] { (count(row.lost.into())) }
                                    td.n { (count(row.found.into())) }
                                    td {
                                        @if row.acked > 0 {
                                            div.bar { i style=(format!("width:{:.1}%", f64::from(row.lost) / f64::from(row.acked) * 100.0)) {} }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                @if total > rows.len() {
                    p.legend { "and " (counted((total - rows.len()) as u64, "more session")) ", all of them in the JSON and CSV reports" }
                }
            }
        }
    }
}

fn ladder(record: &RunRecord) -> Markup {
    let picture = svg::ladder(record);
    html! {
        @if let (Some(picture), Some(ladder)) = (picture, &record.ladder) {
            section {
                h2 { "What an end would have taken, at each instant" }
                p.says { (wording::ladder_sentence(ladder)) }
                (PreEscaped(picture))
                p.legend {
                    span { i style="background:var(--soft)" {} "sent" }
                    span { i style="background:var(--ink)" {} "acknowledged" }
                    span { i style="background:var(--flight)" {} "written to a file" }
                    span { i style="background:var(--recovered)" {} "durable" }
                    span { i style="background:var(--held)" {} "in a snapshot" }
                    span { "shaded: what a process kill takes (dark) and what a power cut takes (light)" }
                }
            }
        }
    }
}

fn grounds(record: &RunRecord) -> Markup {
    html! {
        section {
            h2 { "Grounds of the verdict" }
            ul { @for ground in wording::grounds(record) { li { (ground) } } }
        }
    }
}

fn timeline(record: &RunRecord) -> Markup {
    html! {
        @if !record.timeline.is_empty() {
            section {
                h2 { "Timeline" }
                div.scroll { table { tbody {
                    @for timed in &record.timeline {
                        tr { td.n { (instant(timed.at)) } td { (event_sentence(&timed.event)) } }
                    }
                } } }
            }
        }
    }
}

fn setup(record: &RunRecord) -> Markup {
    let plan = &record.plan;
    html! {
        section {
            h2 { "How it was done" }
            dl.facts {
                dt { "preset" } dd { bdi { (plan.preset.title) } " (" code { (plan.preset.id) } ")" br; (plan.preset.explanation) }
                dt { "in plain words" } dd { @for words in plan.preset.plain_words() { (words) br; } }
                dt { "fault" } dd { (plan.fault.kind.title()) br; (plan.fault.kind.explanation()) br; "It shows " (plan.fault.kind.proves()) }
                dt { "load" } dd { (wording::load_sentence(plan)) }
                @let conditions = wording::condition_phrases(plan);
                @if !conditions.is_empty() {
                    dt { "conditions" } dd { @for words in conditions { (words) br; } }
                }
                dt { "backend" } dd { (record.backend) }
                @if let Some(server) = &record.server {
                    dt { "server" } dd { bdi { (server.engine) } " " (server.version) ", " code { (server.program) } br; (server.os) }
                }
            }
            h3 { "Do it again" }
            pre { (wording::command_line(plan)) }
            @if let Some(server) = &record.server {
                @if !server.in_force.is_empty() {
                    h3 { "Directives in force, by CONFIG GET" }
                    pre {
                        @for (name, value) in &server.in_force {
                            (name) " " @if value.is_empty() { "\"\"" } @else { (value) } "\n"
                        }
                    }
                }
            }
            h3 { "Preset file" }
            pre { (plan.preset.config_text()) }
        }
    }
}

fn evidence(record: &RunRecord) -> Markup {
    html! {
        section {
            h2 { "Evidence" }
            p.says { "Anybody can judge this run again from the files in its directory, without a server" }
            dl.facts {
                dt { "run" } dd { code { (record.id) } }
                dt { "directory" } dd { code { (record.dir.display()) } }
                dt { "journal" } dd { code { "journal.bin" } ", every write with its invocation and completion: " (counted(record.history.ops.len() as u64, "op")) }
                dt { "readback" } dd { code { "readback.jsonl" } ", what was found after the restart" }
                @if record.plan.disk.is_some() {
                    dt { "disk" } dd { code { "disk.jsonl" } ", every write, fsync and rename on the faulty disk, and what the cut dropped" }
                }
                @if record.ladder.is_some() {
                    dt { "ladder" } dd { code { "ladder.jsonl" } ", what an end would have taken at each instant" }
                }
                dt { "also" } dd { code { "plan.json" } ", " code { "timeline.jsonl" } ", " code { "server.log" } ", " code { "effective.conf" } ", " code { "verdict.json" } }
            }
            pre { (format!("crashdrill replay {}", record.id)) }
        }
    }
}
