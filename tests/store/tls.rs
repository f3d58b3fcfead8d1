//! Encrypted stores: a certificate authority of the test's own, and every way to get it wrong.

use std::path::Path;
use std::process::Command;

use crate::inspect;
use crate::support::{Program, Server, connect, free_port, spawn_server};

fn openssl(dir: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(dir)
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "{}",
        crate::support::text(&output.stderr)
    );
}

/// `ca.pem`, and `server.pem` with its key, for 127.0.0.1.
fn certificates(dir: &Path) {
    std::fs::write(
        dir.join("san"),
        "subjectAltName=IP:127.0.0.1,DNS:localhost\n",
    )
    .unwrap();
    openssl(
        dir,
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=Test CA",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ],
    );
    openssl(
        dir,
        &[
            "req",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=127.0.0.1",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
        ],
    );
    openssl(
        dir,
        &[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "san",
            "-out",
            "server.pem",
        ],
    );
}

#[test]
fn a_private_authority_is_trusted_if_it_is_named_and_never_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let (port, tls) = (free_port(), free_port());
    let file = |name: &str| dir.path().join(name).display().to_string();
    let config = format!(
        "save \"\"\nappendonly yes\ntls-port {tls}\ntls-auth-clients no\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}",
        file("server.pem"),
        file("server.key"),
        file("ca.pem")
    );
    let child = spawn_server(dir.path(), port, &config);
    let server = Server { child, port };
    connect(port, None);
    crate::session(&server, "session:1:messages", 3);
    let program = Program::new();
    let ca = file("ca.pem");

    let secure = format!("rediss://127.0.0.1:{tls}");
    let (code, json, said) = inspect(&program, &secure, &["--ca", &ca]);
    assert_eq!((code, &json["messages"]), (0, &3.into()), "{said}");

    let says = |url: &str, arguments: &[&str], code: i32, words: &[&str]| {
        let (found, _, said) = inspect(&program, url, arguments);
        assert_eq!(found, code, "{url}: {said}");
        for word in words {
            assert!(said.contains(word), "{url}: \"{word}\" is not in: {said}");
        }
    };
    says(&secure, &[], 2, &["is not trusted", "--ca"]);
    says(
        &secure,
        &["--ca", &file("server.key")],
        2,
        &["no certificate in PEM"],
    );
    says(
        &secure,
        &["--ca", &file("nowhere.pem")],
        2,
        &["nowhere.pem"],
    );
    let plain = format!("redis://127.0.0.1:{port}");
    says(&plain, &["--ca", &ca], 64, &["rediss://"]);
    // Either way round.
    says(
        &format!("rediss://127.0.0.1:{port}"),
        &["--ca", &ca],
        2,
        &["does not speak TLS", "redis://"],
    );
    says(&format!("redis://127.0.0.1:{tls}"), &[], 2, &["rediss://"]);
}
