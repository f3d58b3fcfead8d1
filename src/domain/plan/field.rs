//! The fields of a draft that can be wrong, and how an error names them.

/// The fields of a [`super::PlanDraft`] that can be wrong, named as the window and the command line name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Preset,
    Backend,
    Program,
    Image,
    Url,
    KillCommand,
    StartCommand,
    Grace,
    Pause,
    Sessions,
    Writers,
    Depth,
    Rate,
    MessageBytes,
    Seconds,
    MaxMessages,
    MaxWindow,
    OpTimeout,
    Disk,
    Tail,
    WriteBack,
    FsyncDelay,
    DiskSpace,
    IoError,
    Trigger,
    Damage,
    Network,
    Compare,
    TailCut,
    Repair,
    SaveTime,
    Store,
}

impl Field {
    /// The command-line option of the field.
    #[must_use]
    pub fn option(self) -> &'static str {
        match self {
            Field::Preset => "--preset",
            Field::Backend => "--backend",
            Field::Program => "--server",
            Field::Image => "--image",
            Field::Url => "--url",
            Field::KillCommand => "--kill-cmd",
            Field::StartCommand => "--start-cmd",
            Field::Grace => "--grace",
            Field::Pause => "--pause",
            Field::Sessions => "--sessions",
            Field::Writers => "--writers",
            Field::Depth => "--depth",
            Field::Rate => "--rate",
            Field::MessageBytes => "--message-bytes",
            Field::Seconds => "--seconds",
            Field::MaxMessages => "--messages",
            Field::MaxWindow => "--max-window",
            Field::OpTimeout => "--op-timeout",
            Field::Disk => "--disk",
            Field::Tail => "--tail",
            Field::WriteBack => "--write-back",
            Field::FsyncDelay => "--fsync-delay",
            Field::DiskSpace => "--disk-space",
            Field::IoError => "--io-error",
            Field::Trigger => "--trigger",
            Field::Damage => "--damage",
            Field::Network => "--network",
            Field::Compare => "--compare",
            Field::TailCut => "--tail-cut",
            Field::Repair => "--repair",
            Field::SaveTime => "--save-time",
            Field::Store => "--store-cmd",
        }
    }
}

/// What is wrong with one field, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", field.option())]
pub struct FieldError {
    pub field: Field,
    pub message: String,
}

impl FieldError {
    #[must_use]
    pub fn new(field: Field, message: impl Into<String>) -> Self {
        FieldError {
            field,
            message: message.into(),
        }
    }
}
