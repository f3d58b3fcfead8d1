//! A preset: real `redis.conf` directives plus a title, an explanation and promises.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::contract::Promise;
use super::fault::FaultKind;

/// One directive as it stands in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    /// In lower case.
    pub name: String,
    /// Arguments as Redis reads them: unquoted, one space between.
    pub value: String,
    /// Line in its file, from 1.
    pub line: u32,
}

/// A persistence policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preset {
    /// The file's name without `.conf`.
    pub id: String,
    pub title: String,
    pub explanation: String,
    pub promises: BTreeMap<FaultKind, Promise>,
    pub directives: Vec<Directive>,
    /// The file's text as the server gets it.
    pub text: String,
}

impl Preset {
    /// What may be lost under `fault`. A preset that is silent about a fault promises nothing:
    /// everything may be lost.
    #[must_use]
    pub fn promise(&self, fault: FaultKind) -> Promise {
        self.promises
            .get(&fault)
            .copied()
            .unwrap_or(Promise::Everything)
    }
}

impl Preset {
    /// The presets that are part of the binary, in the order in which they are shown.
    #[must_use]
    pub fn embedded() -> Vec<Preset> {
        unimplemented!("being built")
    }
}
