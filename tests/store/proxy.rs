//! Between program and server: writes down every command, and can be a server of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Commands in the order in which they came, each as its words.
pub type Record = Arc<Mutex<Vec<Vec<Vec<u8>>>>>;

pub struct Proxy {
    pub port: u16,
    record: Record,
}

impl Proxy {
    /// Hands everything on to `to` and back.
    pub fn before(to: u16) -> Proxy {
        Proxy::serve(move |client, record| {
            let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
            server.set_nodelay(true).unwrap();
            let mut answers = server.try_clone().unwrap();
            let mut back = client.try_clone().unwrap();
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(std::net::Shutdown::Both);
            });
            let mut out = server;
            let mut input = BufReader::new(client);
            while let Some(words) = read_command(&mut input) {
                let bytes = encode(&words);
                record.lock().unwrap().push(words);
                if out.write_all(&bytes).is_err() {
                    break;
                }
            }
            let _ = out.shutdown(std::net::Shutdown::Both);
        })
    }

    /// A server whose answers the test gives, in bytes of the protocol.
    pub fn answering(answer: impl Fn(&[String]) -> String + Send + Sync + 'static) -> Proxy {
        Proxy::serve(move |client, record| {
            let mut out = client.try_clone().unwrap();
            let mut input = BufReader::new(client);
            while let Some(words) = read_command(&mut input) {
                let text: Vec<String> = words
                    .iter()
                    .map(|word| String::from_utf8_lossy(word).into_owned())
                    .collect();
                record.lock().unwrap().push(words);
                if out.write_all(answer(&text).as_bytes()).is_err() {
                    break;
                }
            }
        })
    }

    fn serve(talk: impl Fn(TcpStream, Record) + Send + Sync + 'static) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let record = Record::default();
        let kept = Arc::clone(&record);
        let talk = Arc::new(talk);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Without it each round trip takes 40 ms, and every scan looks as if it kept a budget.
                client.set_nodelay(true).unwrap();
                let (talk, record) = (Arc::clone(&talk), Arc::clone(&record));
                std::thread::spawn(move || talk(client, record));
            }
        });
        Proxy { port, record: kept }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Every command, in upper case, with the subcommand where there is one.
    pub fn commands(&self) -> Vec<String> {
        let record = self.record.lock().unwrap();
        let name = |words: &Vec<Vec<u8>>| {
            let word = |at: usize| String::from_utf8_lossy(&words[at]).to_uppercase();
            match word(0).as_str() {
                "CONFIG" | "OBJECT" | "MEMORY" | "CLIENT" | "ACL" => {
                    format!("{} {}", word(0), word(1))
                }
                _ => word(0),
            }
        };
        record.iter().map(name).collect()
    }

    /// The words of every command, as text.
    pub fn words(&self) -> Vec<Vec<String>> {
        let record = self.record.lock().unwrap();
        let text = |word: &Vec<u8>| String::from_utf8_lossy(word).into_owned();
        record
            .iter()
            .map(|words| words.iter().map(text).collect())
            .collect()
    }
}

/// `None` at the end, and for what is no command.
fn read_command(input: &mut impl BufRead) -> Option<Vec<Vec<u8>>> {
    let count = number(input, b'*')?;
    let mut words = Vec::new();
    for _ in 0..count {
        let mut word = vec![0; number(input, b'$')? + 2];
        input.read_exact(&mut word).ok()?;
        word.truncate(word.len() - 2);
        words.push(word);
    }
    Some(words)
}

fn number(input: &mut impl BufRead, mark: u8) -> Option<usize> {
    let mut line = String::new();
    input.take(64).read_line(&mut line).ok()?;
    line.strip_prefix(char::from(mark))?.trim().parse().ok()
}

fn encode(words: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(word);
        bytes.extend(b"\r\n");
    }
    bytes
}
