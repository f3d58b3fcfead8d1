//! Where an engine of this user may listen, in the order in which they are asked.
//!
//! Reads environment and files only: whether anybody answers there is [`super::engine`]'s business.

use std::path::{Path, PathBuf};

/// One place to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// `unix:///var/run/docker.sock`, `tcp://127.0.0.1:2375`.
    pub host: String,
    /// Who named it, for error messages.
    pub from: String,
}

/// What the search goes by.
#[derive(Clone, Debug, Default)]
pub(super) struct Search {
    pub docker_host: Option<String>,
    pub docker_context: Option<String>,
    /// `~/.docker`, or `$DOCKER_CONFIG`.
    pub config: Option<PathBuf>,
    pub home: Option<PathBuf>,
    pub runtime_dir: Option<PathBuf>,
}

impl Search {
    pub fn from_env() -> Search {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = var("HOME").map(PathBuf::from);
        Search {
            docker_host: var("DOCKER_HOST"),
            docker_context: var("DOCKER_CONTEXT"),
            config: var("DOCKER_CONFIG")
                .map(PathBuf::from)
                .or_else(|| home.as_ref().map(|home| home.join(".docker"))),
            runtime_dir: var("XDG_RUNTIME_DIR").map(PathBuf::from),
            home,
        }
    }

    /// `DOCKER_HOST` is an order, as for the docker command: nothing else is asked then.
    pub fn candidates(&self) -> Vec<Candidate> {
        if let Some(host) = &self.docker_host {
            return vec![Candidate {
                host: host.clone(),
                from: "DOCKER_HOST".to_owned(),
            }];
        }
        let mut found: Vec<Candidate> = self.context().into_iter().collect();
        for path in self.usual_sockets() {
            let host = format!("unix://{}", path.display());
            if found.iter().all(|candidate| candidate.host != host) {
                found.push(Candidate {
                    host,
                    from: "usual place".to_owned(),
                });
            }
        }
        found
    }

    /// Docker's own, rootless, Docker Desktop (two generations), then Podman's.
    fn usual_sockets(&self) -> Vec<PathBuf> {
        let below = |base: &Option<PathBuf>, path: &str| base.as_ref().map(|base| base.join(path));
        [
            Some(PathBuf::from("/var/run/docker.sock")),
            below(&self.runtime_dir, "docker.sock"),
            below(&self.home, ".docker/run/docker.sock"),
            below(&self.home, ".docker/desktop/docker.sock"),
            below(&self.runtime_dir, "podman/podman.sock"),
            Some(PathBuf::from("/run/podman/podman.sock")),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn context(&self) -> Option<Candidate> {
        let config = self.config.as_ref()?;
        let name = match &self.docker_context {
            Some(name) => name.clone(),
            None => text_at(
                &json_file(&config.join("config.json"))?,
                &["currentContext"],
            )?,
        };
        if name == "default" {
            return None;
        }
        Some(Candidate {
            host: context_host(config, &name)?,
            from: format!("docker context {name}"),
        })
    }
}

/// The folder's name is a hash of the context's name; reading them all saves the hash.
fn context_host(config: &Path, name: &str) -> Option<String> {
    std::fs::read_dir(config.join("contexts/meta"))
        .ok()?
        .flatten()
        .filter_map(|entry| json_file(&entry.path().join("meta.json")))
        .find(|meta| text_at(meta, &["Name"]).as_deref() == Some(name))
        .and_then(|meta| text_at(&meta, &["Endpoints", "docker", "Host"]))
}

fn json_file(path: &Path) -> Option<serde_json::Value> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn text_at(value: &serde_json::Value, path: &[&str]) -> Option<String> {
    path.iter()
        .try_fold(value, |value, key| value.get(key))?
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(search: &Search) -> Vec<String> {
        search
            .candidates()
            .into_iter()
            .map(|candidate| candidate.host)
            .collect()
    }

    #[test]
    fn docker_host_is_the_only_place_asked() {
        let search = Search {
            docker_host: Some("unix:///x.sock".into()),
            home: Some("/home/u".into()),
            ..Search::default()
        };
        assert_eq!(hosts(&search), ["unix:///x.sock"]);
    }

    #[test]
    fn the_current_context_comes_before_the_usual_sockets() {
        let config = tempfile::tempdir().unwrap();
        let meta = config.path().join("contexts/meta/0123abcd");
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"desktop-linux","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///d.sock","SkipTLSVerify":false}}}"#,
        )
        .unwrap();
        std::fs::write(
            config.path().join("config.json"),
            r#"{"auths":{},"currentContext":"desktop-linux"}"#,
        )
        .unwrap();
        let search = Search {
            config: Some(config.path().to_owned()),
            runtime_dir: Some("/run/user/7".into()),
            home: Some("/home/u".into()),
            ..Search::default()
        };
        assert_eq!(
            hosts(&search),
            [
                "unix:///d.sock",
                "unix:///var/run/docker.sock",
                "unix:///run/user/7/docker.sock",
                "unix:///home/u/.docker/run/docker.sock",
                "unix:///home/u/.docker/desktop/docker.sock",
                "unix:///run/user/7/podman/podman.sock",
                "unix:///run/podman/podman.sock",
            ]
        );
        assert_eq!(search.candidates()[0].from, "docker context desktop-linux");
    }

    #[test]
    fn a_broken_config_or_a_context_that_is_gone_is_passed_over() {
        let config = tempfile::tempdir().unwrap();
        let search = Search {
            config: Some(config.path().to_owned()),
            ..Search::default()
        };
        for text in [
            "{",
            r#"{"currentContext":"gone"}"#,
            r#"{"currentContext":""}"#,
        ] {
            std::fs::write(config.path().join("config.json"), text).unwrap();
            assert_eq!(hosts(&search)[0], "unix:///var/run/docker.sock", "{text}");
        }
    }
}
