use crate::domain::record::RunRecord;
pub fn verdict_sentence(record: &RunRecord) -> String {
    format!(
        "{:?}: {} lost of {} window {:?} grounds {:?} counts {:?} sessions {:?} cut {:?}",
        record.judgement.verdict,
        record.judgement.counts.lost,
        record.judgement.counts.acked,
        record.judgement.loss_window,
        record.judgement.grounds,
        record.judgement.counts,
        record.judgement.sessions,
        record.judgement.cut()
    )
}
pub fn loss_sentence(_: &RunRecord) -> String {
    String::new()
}
pub fn why_sentence(_: &RunRecord) -> String {
    String::new()
}
pub fn cut_sentence(_: &RunRecord) -> String {
    String::new()
}
pub fn event_sentence(e: &crate::domain::event::DrillEvent) -> String {
    format!("{e:?}")
}
