//! Copying the data directory out of a container, running or not.

use std::path::Path;
use std::sync::mpsc;

use bollard::errors::Error;
use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures_util::StreamExt;

use super::archive;
use super::engine::Engine;
use crate::backend::{BackendError, Result};

/// Streams the data directory out of the container; it may be larger than memory.
pub(super) fn download(engine: &Engine, container: &str, to: &Path) -> Result<()> {
    let operation = format!("copy the data directory to {}", to.display());
    let options = DownloadFromContainerOptionsBuilder::default()
        .path(archive::STORE)
        .build();
    let (chunks, pieces) = mpsc::sync_channel::<Vec<u8>>(16);
    std::thread::scope(|scope| {
        let unpacked = scope.spawn(move || {
            let mut reader = PieceReader {
                pieces,
                rest: std::io::Cursor::default(),
            };
            archive::unpack(&mut reader, to)
                // The end of an archive is padding; taking it lets the sender finish.
                .and_then(|()| std::io::copy(&mut reader, &mut std::io::sink()))
        });
        let sent = engine.wait(async {
            let mut stream = engine
                .docker
                .download_from_container(container, Some(options));
            while let Some(chunk) = stream.next().await {
                if chunks.send(chunk?.to_vec()).is_err() {
                    // The unpacker has failed and says why.
                    break;
                }
            }
            drop(chunks);
            Ok::<_, Error>(())
        });
        let unpacked = unpacked.join();
        sent.map_err(|error| engine.explain(&operation, &error))?;
        match unpacked {
            Ok(Ok(_padding)) => Ok(()),
            Ok(Err(error)) => Err(BackendError::new(format!(
                "Cannot {operation}: {error}; free space there or choose another folder"
            ))),
            Err(_) => Err(BackendError::new(format!(
                "Cannot {operation}: the archive could not be read; try again"
            ))),
        }
    })
}

/// Reads what another thread sends.
struct PieceReader {
    pieces: mpsc::Receiver<Vec<u8>>,
    rest: std::io::Cursor<Vec<u8>>,
}

impl std::io::Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let read = self.rest.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.pieces.recv() {
                Ok(piece) => self.rest = std::io::Cursor::new(piece),
                Err(mpsc::RecvError) => return Ok(0),
            }
        }
    }
}
