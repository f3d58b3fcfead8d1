//! Writing an image of the disk into a plain folder.

use std::fs::{self, File, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::model::content::Content;
use super::model::{Image, ImageEntry};
use super::spec::DiskError;

/// Copies every file and folder to below `to`, which is made if need be. Owners stay ours.
pub fn copy_out(image: &Image, to: &Path) -> Result<(), DiskError> {
    let result = fs::create_dir_all(to)
        .map_err(|error| (to.to_owned(), error))
        .and_then(|()| {
            image.entries.iter().try_for_each(|entry| {
                let path = to.join(&entry.path);
                write(entry, &path).map_err(|error| (path, error))
            })
        });
    result.map_err(|(path, error)| {
        DiskError::new(format!(
            "an image of the disk cannot be copied to {} ({error}): free space or name another folder",
            path.display()
        ))
    })
}

fn write(entry: &ImageEntry, path: &Path) -> io::Result<()> {
    match &entry.content {
        None => match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        },
        Some(content) => write_file(content, path)?,
    }
    // Ours to read and to remove again, whatever the server made of it.
    let mode = u32::from(entry.attr.mode)
        | if entry.content.is_some() {
            0o600
        } else {
            0o700
        };
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn write_file(content: &Content, path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    for (offset, bytes) in content.pieces() {
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)?;
    }
    file.set_len(content.len())
}
