pub mod wording;
