//! Lost messages as a table. Text is quoted, never altered: whoever opens it in a spreadsheet reads
//! exactly what was written to Redis.

use csv::{QuoteStyle, WriterBuilder};

use super::sessions::{classed, said};
use crate::domain::record::RunRecord;
use crate::domain::verdict::Class;
use crate::domain::workload::MessageMaker;

const COLUMNS: [&str; 6] = [
    "session",
    "seq",
    "role",
    "acked_at_secs",
    "age_at_fault_secs",
    "content",
];

pub(super) fn render(record: &RunRecord) -> Vec<u8> {
    let mut table = WriterBuilder::new()
        .quote_style(QuoteStyle::NonNumeric)
        .from_writer(Vec::new());
    let maker = MessageMaker::new(&record.plan.workload);
    let mut row = |fields: [&str; 6]| {
        table
            .write_record(fields)
            .expect("writing to memory does not fail");
    };
    row(COLUMNS);
    for (op, class) in classed(record) {
        if class != Class::Lost {
            continue;
        }
        let said = said(&maker, op.session, op.seq);
        // The fault that ended the round in which it was acknowledged; none if nothing ended it.
        let fault = record
            .history
            .faults
            .get(record.history.round_of(op.completed));
        let age = fault.map(|fault| format!("{:.6}", fault.at.since(op.completed).as_secs_f64()));
        row([
            &record.keys.key(op.session),
            &op.seq.to_string(),
            &said.role,
            &format!("{:.6}", op.completed.secs()),
            &age.unwrap_or_default(),
            &said.content,
        ]);
    }
    table.into_inner().expect("writing to memory does not fail")
}
