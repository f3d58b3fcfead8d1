//! Images on the user's engine: which there are, and how the server in one is called.

use bollard::models::{ImageConfig, ImageSummary};
use bollard::query_parameters::ListImagesOptionsBuilder;

use super::engine::Engine;
use super::errors;
use crate::backend::Result;

/// An image that needs no pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// `redis:7-alpine`.
    pub name: String,
    pub size_bytes: u64,
    /// Unix seconds.
    pub created: i64,
}

impl LocalImage {
    /// By its name.
    #[must_use]
    pub fn looks_like_a_server(&self) -> bool {
        ["redis", "valkey", "keydb", "redict"]
            .iter()
            .any(|word| self.name.contains(word))
    }
}

impl Engine {
    /// Images that have a name: those that look like Redis or Valkey first, newest first.
    ///
    /// # Errors
    /// The engine does not answer.
    pub fn list_images(&self) -> Result<Vec<LocalImage>> {
        let options = ListImagesOptionsBuilder::default().build();
        let summaries = self.run(
            "list the local images",
            self.docker.list_images(Some(options)),
        )?;
        let mut images: Vec<_> = summaries.into_iter().flat_map(named).collect();
        images.sort_by_key(|image| {
            (
                !image.looks_like_a_server(),
                std::cmp::Reverse(image.created),
                image.name.clone(),
            )
        });
        Ok(images)
    }

    /// What the image says about running it; `None` if the engine does not have it.
    pub(super) fn image_config(&self, image: &str) -> Result<Option<ImageConfig>> {
        match self.ask(self.docker.inspect_image(image)) {
            Ok(inspect) => Ok(Some(inspect.config.unwrap_or_default())),
            Err(error) if errors::is_missing(&error) => Ok(None),
            // Such as 400 for what is no image name at all: a pull would be told the same.
            Err(error) => Err(errors::explain_pull(image, &self.info.host, &error)),
        }
    }
}

fn named(summary: ImageSummary) -> Vec<LocalImage> {
    summary
        .repo_tags
        .into_iter()
        .filter(|name| !name.contains("<none>"))
        .map(|name| LocalImage {
            name,
            size_bytes: summary.size.try_into().unwrap_or_default(),
            created: summary.created,
        })
        .collect()
}

/// The command that starts the server on its configuration file, whatever the image calls its server.
pub(super) fn command(image: &str, config: &ImageConfig, config_file: &str) -> Vec<String> {
    let entrypoint = config.entrypoint.as_deref().unwrap_or_default();
    // An entrypoint that is the server itself would take a program's name for a configuration file's.
    if entrypoint.iter().any(|word| is_server(word)) {
        return vec![config_file.to_owned()];
    }
    let cmd = config.cmd.as_deref().unwrap_or_default();
    let program = match cmd.first().filter(|word| is_server(word)) {
        Some(program) => program.clone(),
        None => by_name(image).to_owned(),
    };
    vec![program, config_file.to_owned()]
}

fn is_server(word: &str) -> bool {
    word.rsplit('/').next().unwrap_or(word).ends_with("-server")
}

fn by_name(image: &str) -> &'static str {
    if image.contains("valkey") {
        "valkey-server"
    } else if image.contains("keydb") {
        "keydb-server"
    } else if image.contains("redict") {
        "redict-server"
    } else {
        "redis-server"
    }
}

/// Name and tag. Without a tag the engine would pull every tag there is.
pub(super) fn name_and_tag(image: &str) -> (&str, &str) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, digest);
    }
    match image.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entrypoint: &[&str], cmd: &[&str]) -> ImageConfig {
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        ImageConfig {
            entrypoint: words(entrypoint),
            cmd: words(cmd),
            ..ImageConfig::default()
        }
    }

    #[test]
    fn the_server_program_is_the_images_own() {
        let run = |image, entrypoint: &[&str], cmd: &[&str]| {
            command(image, &config(entrypoint, cmd), "/c").join(" ")
        };
        assert_eq!(
            run(
                "redis:7-alpine",
                &["docker-entrypoint.sh"],
                &["redis-server"]
            ),
            "redis-server /c"
        );
        assert_eq!(
            run(
                "cache:1",
                &["docker-entrypoint.sh"],
                &["/usr/bin/valkey-server"]
            ),
            "/usr/bin/valkey-server /c"
        );
        assert_eq!(
            run(
                "cgr.dev/x/redis",
                &["/usr/bin/redis-server"],
                &["--port", "1"]
            ),
            "/c"
        );
        assert_eq!(run("valkey/valkey:9", &[], &["sh"]), "valkey-server /c");
        assert_eq!(run("own:1", &[], &[]), "redis-server /c");
    }

    #[test]
    fn there_is_always_a_tag() {
        assert_eq!(name_and_tag("redis:7-alpine"), ("redis", "7-alpine"));
        assert_eq!(name_and_tag("redis"), ("redis", "latest"));
        assert_eq!(
            name_and_tag("127.0.0.1:5000/library/redis"),
            ("127.0.0.1:5000/library/redis", "latest")
        );
        assert_eq!(name_and_tag("redis@sha256:ab"), ("redis", "sha256:ab"));
    }
}
