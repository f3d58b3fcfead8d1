//! The bundled chats: order talk in four scripts.

use std::sync::LazyLock;

use serde::Deserialize;

/// One language's lines. Conversations read better when both sides stay in one language.
#[derive(Debug, Deserialize)]
pub struct Language {
    #[expect(dead_code, reason = "it is for whoever edits the file")]
    language: String,
    pub user: Vec<String>,
    pub assistant: Vec<String>,
}

/// Lines need no JSON escaping: a test of this room holds the file to it.
pub static CORPUS: LazyLock<Vec<Language>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../assets/corpus.json"))
        .expect("assets/corpus.json is part of the binary and tested")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_its_own_json_form() {
        for language in CORPUS.iter() {
            assert!(language.user.len() >= 24 && language.assistant.len() >= 24);
            for line in language.user.iter().chain(&language.assistant) {
                assert_eq!(serde_json::to_string(line).unwrap(), format!("\"{line}\""));
            }
        }
    }
}
