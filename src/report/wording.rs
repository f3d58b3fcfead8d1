pub fn verdict_sentence(record: &crate::domain::record::RunRecord) -> String {
    format!(
        "{:?}: {} lost of {}",
        record.judgement.verdict, record.judgement.counts.lost, record.judgement.counts.acked
    )
}
