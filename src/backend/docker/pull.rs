//! Pulling an image: how far it is, whether it moves at all, and letting go of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;

use super::engine::{Engine, GLANCE, was_cancelled};
use super::errors;
use super::image::name_and_tag;
use crate::backend::{BackendError, Result, Watch};
use crate::domain::event::Fix;

/// From here on the user is told that nothing moves.
const QUIET: Duration = Duration::from_secs(5);

/// The engine's own retries wait 5 + 10 + 15 + 20 + 25 s; a silence of 144 s was seen after a lost connection.
const GIVE_UP: Duration = Duration::from_secs(180);

/// Podman tells of layers begun and done but of no bytes: there, silence proves little.
const GIVE_UP_WITHOUT_BYTES: Duration = Duration::from_secs(1800);

impl Engine {
    /// Pulls the image, telling how far it is.
    ///
    /// # Errors
    /// Offline, no such image, disk full, no progress for three minutes, cancelled.
    pub fn pull(&self, image: &str, watch: &dyn Watch) -> Result<()> {
        let (name, tag) = name_and_tag(image);
        let options = CreateImageOptionsBuilder::default()
            .from_image(name)
            .tag(tag)
            .build();
        // The first byte comes when the registry has answered, however slow: we watch over that ourselves.
        let docker = self.docker.clone().with_timeout(GIVE_UP_WITHOUT_BYTES * 2);
        self.wait(async {
            let mut events = docker.create_image(Some(options), None, None);
            let mut progress = PullProgress::new(image);
            let mut moved = Instant::now();
            loop {
                watch.doing(&progress.text(moved.elapsed()), progress.share());
                // Dropping `events` ends the pull: dockerd logs "context canceled".
                if watch.cancelled() {
                    return Err(was_cancelled(&format!("pull {image}")));
                }
                if moved.elapsed() > progress.patience() {
                    return Err(stalled(image, moved.elapsed()));
                }
                match tokio::time::timeout(GLANCE, events.next()).await {
                    Err(_) => {}
                    Ok(None) => return Ok(()),
                    Ok(Some(Ok(event))) => {
                        if let Some(error) = stream_error(&event) {
                            return Err(errors::explain_pull(image, &self.info.host, &error));
                        }
                        if progress.take(&event) {
                            moved = Instant::now();
                        }
                    }
                    Ok(Some(Err(error))) => {
                        return Err(errors::explain_pull(image, &self.info.host, &error));
                    }
                }
            }
        })
    }
}

fn stream_error(event: &CreateImageInfo) -> Option<Error> {
    let message = event.error_detail.as_ref()?.message.clone()?;
    Some(Error::DockerStreamError { error: message })
}

fn stalled(image: &str, after: Duration) -> BackendError {
    BackendError::new(format!(
        "Cannot pull {image}: no progress for {} s; check the network and try again, or choose a local image",
        after.as_secs()
    ))
    .fix(Fix::TryAgain)
}

/// How far all layers are, as far as the engine has told.
struct PullProgress {
    image: String,
    layers: BTreeMap<String, Layer>,
    /// `Retrying in 5 seconds`.
    retrying: Option<String>,
    unpacking: bool,
}

#[derive(Default)]
struct Layer {
    current_bytes: u64,
    /// 0 until the layer's download begins.
    total_bytes: u64,
    done: bool,
}

impl PullProgress {
    fn new(image: &str) -> Self {
        PullProgress {
            image: image.to_owned(),
            layers: BTreeMap::new(),
            retrying: None,
            unpacking: false,
        }
    }

    /// True if something moved.
    fn take(&mut self, event: &CreateImageInfo) -> bool {
        let status = event.status.as_deref().unwrap_or_default();
        // A countdown is not progress.
        if status.starts_with("Retrying") {
            self.retrying = Some(status.to_owned());
            return false;
        }
        self.retrying = None;
        let detail = event.progress_detail.as_ref();
        let bytes = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let current = detail.and_then(|detail| bytes(detail.current));
        let total = detail.and_then(|detail| bytes(detail.total));
        let Some(id) = &event.id else { return true };
        match (status, current) {
            ("Pulling fs layer", _) => {
                self.layers.entry(id.clone()).or_default();
            }
            ("Downloading", Some(current)) => {
                let layer = self.layers.entry(id.clone()).or_default();
                let moved = current != layer.current_bytes;
                layer.current_bytes = current;
                layer.total_bytes = total.unwrap_or(layer.total_bytes).max(current);
                return moved;
            }
            ("Verifying Checksum" | "Download complete", _) => {
                if let Some(layer) = self.layers.get_mut(id) {
                    layer.current_bytes = layer.total_bytes;
                    layer.done = true;
                }
            }
            ("Extracting", _) => self.unpacking = true,
            _ => {}
        }
        true
    }

    fn bytes(&self) -> (u64, u64) {
        self.layers
            .values()
            .fold((0, 0), |(current, total), layer| {
                (current + layer.current_bytes, total + layer.total_bytes)
            })
    }

    fn layers_done(&self) -> usize {
        self.layers.values().filter(|layer| layer.done).count()
    }

    fn share(&self) -> Option<f64> {
        let (current, total) = self.bytes();
        if total > 0 {
            return Some(current as f64 / total as f64);
        }
        let layers = self.layers.len();
        (layers > 0).then(|| self.layers_done() as f64 / layers as f64)
    }

    fn patience(&self) -> Duration {
        if self.bytes().1 == 0 && !self.layers.is_empty() {
            GIVE_UP_WITHOUT_BYTES
        } else {
            GIVE_UP
        }
    }

    /// `Pulling redis:7-alpine, 12.3 of 41.0 MB`.
    fn text(&self, quiet: Duration) -> String {
        let (current, total) = self.bytes();
        let mut text = if self.layers.is_empty() {
            format!("Pulling {}", self.image)
        } else if total == 0 {
            format!(
                "Pulling {}, {} of {} layers",
                self.image,
                self.layers_done(),
                self.layers.len()
            )
        } else if current == total && self.unpacking {
            format!("Unpacking {}, {:.1} MB", self.image, megabytes(total))
        } else {
            format!(
                "Pulling {}, {:.1} of {:.1} MB",
                self.image,
                megabytes(current),
                megabytes(total)
            )
        };
        if let Some(retrying) = &self.retrying {
            text.push_str(", connection lost: ");
            text.push_str(&retrying.to_lowercase());
        } else if quiet >= QUIET {
            text.push_str(&format!(", no progress for {} s", quiet.as_secs()));
        }
        text
    }
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    fn event(id: &str, status: &str, bytes: Option<(i64, i64)>) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: bytes.map(|(current, total)| ProgressDetail {
                current: Some(current),
                total: Some(total),
            }),
            ..CreateImageInfo::default()
        }
    }

    #[test]
    fn layers_are_summed_as_far_as_they_are_known() {
        let mut progress = PullProgress::new("redis:7-alpine");
        assert_eq!(progress.text(Duration::ZERO), "Pulling redis:7-alpine");
        assert_eq!(progress.share(), None);
        progress.take(&event("7-alpine", "Pulling from library/redis", None));
        progress.take(&event("a", "Pulling fs layer", None));
        progress.take(&event("a", "Downloading", Some((2_300_000, 11_000_000))));
        progress.take(&event("b", "Downloading", Some((10_000_000, 30_000_000))));
        assert_eq!(
            progress.text(Duration::ZERO),
            "Pulling redis:7-alpine, 12.3 of 41.0 MB"
        );
        assert_eq!(progress.share(), Some(0.3));
    }

    #[test]
    fn a_finished_layer_counts_whole_and_unpacking_is_told() {
        let mut progress = PullProgress::new("x");
        progress.take(&event("a", "Downloading", Some((1_000_000, 4_000_000))));
        progress.take(&event("a", "Download complete", None));
        assert_eq!(progress.share(), Some(1.0));
        progress.take(&event("a", "Extracting", Some((1, 9_000_000))));
        assert_eq!(progress.text(Duration::ZERO), "Unpacking x, 4.0 MB");
    }

    #[test]
    fn an_engine_that_tells_no_bytes_is_counted_by_layers_and_given_more_time() {
        let mut progress = PullProgress::new("x");
        for id in ["a", "b", "c", "d"] {
            progress.take(&event(id, "Pulling fs layer", None));
        }
        progress.take(&event("b", "Download complete", None));
        assert_eq!(progress.text(Duration::ZERO), "Pulling x, 1 of 4 layers");
        assert_eq!(progress.share(), Some(0.25));
        assert_eq!(progress.patience(), GIVE_UP_WITHOUT_BYTES);
        progress.take(&event("a", "Downloading", Some((1, 2))));
        assert_eq!(progress.patience(), GIVE_UP);
    }

    #[test]
    fn silence_and_countdowns_are_no_progress_and_are_told() {
        let mut progress = PullProgress::new("x");
        assert!(progress.take(&event("a", "Downloading", Some((5, 10_000_000)))));
        assert!(!progress.take(&event("a", "Downloading", Some((5, 10_000_000)))));
        assert!(
            progress
                .text(Duration::from_secs(12))
                .ends_with("no progress for 12 s")
        );
        assert!(!progress.take(&event("a", "Retrying in 5 seconds", None)));
        assert!(
            progress
                .text(Duration::from_secs(12))
                .ends_with("connection lost: retrying in 5 seconds")
        );
    }
}
