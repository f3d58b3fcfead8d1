//! Live drills: real servers, counted by an independent client.

mod docker;
