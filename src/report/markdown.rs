//! The report for a pull request or a wiki. Everything that is not ours is escaped.

use std::fmt::Write;

use super::sessions::{Excerpt, worst};
use super::wording::number::{count, instant};
use super::wording::{self, events::event_sentence};
use crate::domain::record::RunRecord;
use crate::domain::verdict::{Class, SessionState, Verdict};

const SESSIONS: usize = 20;

pub(super) fn render(record: &RunRecord) -> String {
    let mut page = Page::default();
    headline(&mut page, record);
    numbers(&mut page, record);
    sessions(&mut page, record);
    transcript(&mut page, record);
    let acts = wording::acts::act_sentences(record);
    page.list(
        "Second acts",
        acts.iter()
            .map(|(title, says)| format!("**{title}**: {}", text(says))),
    );
    images(&mut page, record);
    let grounds = wording::grounds(record);
    page.list("Grounds of the verdict", grounds.iter().map(|s| text(s)));
    let events = record.timeline.iter();
    page.list(
        "Timeline",
        events.map(|timed| {
            format!(
                "`{}` {}",
                instant(timed.at),
                text(&event_sentence(&timed.event))
            )
        }),
    );
    setup(&mut page, record);
    page.0
}

/// Markdown under construction.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn paragraph(&mut self, line: &str) {
        self.line(line);
        self.line("");
    }

    fn heading(&mut self, title: &str) {
        self.paragraph(&format!("## {title}"));
    }

    fn list(&mut self, title: &str, items: impl Iterator<Item = String>) {
        let items: Vec<String> = items.collect();
        if items.is_empty() {
            return;
        }
        self.heading(title);
        for item in items {
            self.line(&format!("- {item}"));
        }
        self.line("");
    }

    /// A code block whose fence is longer than any run of backticks inside.
    fn code(&mut self, language: &str, body: &str) {
        let longest = body
            .split(|c| c != '`')
            .map(str::len)
            .max()
            .unwrap_or_default();
        let fence = "`".repeat(longest.max(2) + 1);
        self.line(&format!("{fence}{language}"));
        self.line(body.trim_end());
        self.paragraph(&fence);
    }
}

fn headline(page: &mut Page, record: &RunRecord) {
    let icon = match record.judgement.verdict {
        Verdict::Held => "✅",
        Verdict::Violated => "❌",
        Verdict::Inconclusive => "❔",
    };
    page.paragraph(&format!(
        "# {icon} {}",
        text(&wording::verdict_sentence(record))
    ));
    let lost = record.judgement.counts.lost > 0;
    let loss = text(&wording::loss_sentence(record));
    page.paragraph(&if lost {
        format!("**🔴 {loss}**")
    } else {
        format!("**{loss}**")
    });
    for (at, finding) in record.judgement.faults.iter().enumerate() {
        page.paragraph(&text(&wording::promise_sentence(finding)));
        if let Some(why) = wording::why_sentence(record, at) {
            page.paragraph(&format!("> {}", text(&why)));
        }
        if let Some(moment) = wording::moment_sentence(record, at) {
            page.paragraph(&text(&moment));
        }
    }
    page.paragraph(&text(&wording::cut_sentence(record.judgement.cut())));
    page.paragraph(&text(&wording::curves_sentence(record)));
    if let Some(ladder) = &record.ladder {
        page.paragraph(&text(&wording::ladder_sentence(ladder)));
    }
}

fn numbers(page: &mut Page, record: &RunRecord) {
    page.heading("Messages");
    page.line("| class | messages | meaning |");
    page.line("| --- | ---: | --- |");
    let counts = &record.judgement.counts;
    for class in Class::ALL.into_iter().filter(|class| counts.of(*class) > 0) {
        page.line(&format!(
            "| {} | {} | {} |",
            class.id(),
            count(counts.of(class)),
            wording::class_words(class)
        ));
    }
    page.line("");
}

/// What scratch servers found, side by side.
fn images(page: &mut Page, record: &RunRecord) {
    let events = record.timeline.iter();
    let findings: Vec<_> = events
        .flat_map(|timed| wording::acts::findings(&timed.event))
        .collect();
    if findings.is_empty() {
        return;
    }
    page.line("| image | at | acknowledged | lost | found out |");
    page.line("| --- | --- | ---: | ---: | --- |");
    for finding in findings {
        page.line(&format!(
            "| {} | {} | {} | {} | {} |",
            wording::acts::image_words(&finding.image),
            instant(finding.at),
            count(finding.acked),
            finding.lost().map_or("–".into(), count),
            text(&wording::acts::outcome_words(finding))
        ));
    }
    page.line("");
}

fn sessions(page: &mut Page, record: &RunRecord) {
    page.heading("Sessions");
    page.paragraph(&text(&wording::lanes_sentence(record)));
    let hit = |state| state != SessionState::Intact;
    let rows: Vec<_> = worst(record, SESSIONS)
        .into_iter()
        .filter(|f| hit(f.state))
        .collect();
    if rows.is_empty() {
        return;
    }
    page.line("| session | state | acknowledged | lost | found |");
    page.line("| --- | --- | ---: | ---: | ---: |");
    for row in rows {
        page.line(&format!(
            "| {} | {} | {} | {} | {} |",
            row.session,
            row.state.title(),
            count(row.acked.into()),
            count(row.lost.into()),
            count(row.found.into())
        ));
    }
    page.line("");
}

fn transcript(page: &mut Page, record: &RunRecord) {
    let Some(excerpt) = Excerpt::of_worst(record) else {
        return;
    };
    page.heading(&format!("Session {}", excerpt.finding.session));
    for bubble in &excerpt.bubbles {
        let content = text(&bubble.said.content);
        let line = match bubble.class {
            Class::Lost => format!("~~{content}~~ *vanished*"),
            class if class.found() => content,
            class => format!("{content} *{}*", class.id()),
        };
        page.line(&format!(
            "- **{} {}** {line}",
            bubble.seq,
            text(&bubble.said.role)
        ));
    }
    if excerpt.after > 0 {
        page.line(&format!("- … and {} more", count(excerpt.after as u64)));
    }
    page.line("");
}

fn setup(page: &mut Page, record: &RunRecord) {
    page.heading("How it was done");
    let plan = &record.plan;
    let mut facts = String::new();
    let mut fact = |name: &str, value: &str| {
        // A write to a String does not fail.
        let _ = writeln!(facts, "- {name}: {}", text(value));
    };
    fact(
        "Preset",
        &format!("{} ({})", plan.preset.title, plan.preset.id),
    );
    fact("Fault", plan.fault.kind.explanation());
    fact("Load", &wording::load_sentence(plan));
    for condition in wording::condition_phrases(plan) {
        fact("Condition", &condition);
    }
    if let Some(server) = &record.server {
        fact(
            "Server",
            &format!("{} {} ({})", server.engine, server.version, server.program),
        );
        fact("System", &server.os);
    }
    fact("Backend", &record.backend);
    fact("Run", &record.id.0);
    fact("Began", &record.began.to_rfc3339());
    fact("Crashdrill", &record.tool_version);
    page.paragraph(&facts);
    page.code("sh", &wording::command_line(plan));
    page.code("", plan.preset.config_text());
}

/// Text that is not ours: no character of it means anything to Markdown or HTML.
fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => {
                safe.extend(['\\', c]);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_others_means_anything_to_markdown() {
        assert_eq!(text("a|b\n<b>*x*"), "a\\|b &lt;b&gt;\\*x\\*");
        let mut page = Page::default();
        page.code("", "a ``` b");
        assert!(page.0.starts_with("````\n"));
    }
}
