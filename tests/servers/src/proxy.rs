//! `Proxy`: stands between a client and a server and breaks chosen requests at chosen moments.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long the rest of a request is waited for that is answered before it has come.
const REST_MAX: Duration = Duration::from_secs(10);

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed before anything of it gets through.
    CutBefore,
    /// Half of its first piece gets through, then the connection is closed.
    CutRequest,
    /// It gets through, and the connection is closed instead of an answer.
    CutAnswer,
    /// It gets through, and half of the answer's first piece comes back before the connection is closed.
    CutInAnswer,
    /// It gets through, and nothing comes back; the connection stays.
    Hang,
    /// It does not get through; this comes back.
    Answer(&'static str),
    /// It gets through, but a byte of its body is another.
    Alter,
    /// So many bytes get through, of it and of what follows in its connection, before that is closed.
    CutAt(usize),
    /// It gets through when [`Proxy::release`] says so.
    Hold,
    /// It gets through as it is: it is counted.
    Pass,
}

struct Armed {
    needle: String,
    fault: Fault,
    /// Requests that get through before the first is broken.
    skipped: u32,
    times: u32,
}

#[derive(Default)]
struct State {
    armed: Vec<Armed>,
    fired: u32,
    held: u32,
    released: u32,
}

/// A proxy on 127.0.0.1. Its threads end with the connections, its listener with the process.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Passes everything on to `upstream`, until armed.
    pub fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || pass(client, upstream, &state));
            }
        });
        Self { address, state }
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks the next `times` requests whose head has `needle`.
    pub fn arm(&self, needle: &str, fault: Fault, times: u32) {
        self.arm_behind(needle, 0, fault, times);
    }

    /// The same behind so many of them that get through.
    pub fn arm_behind(&self, needle: &str, skipped: u32, fault: Fault, times: u32) {
        self.state.lock().unwrap().armed.push(Armed {
            needle: needle.to_owned(),
            fault,
            skipped,
            times,
        });
    }

    /// How many requests wait to be released.
    pub fn held(&self) -> u32 {
        let state = self.state.lock().unwrap();
        state.held - state.released
    }

    /// Lets those through that wait.
    pub fn release(&self) {
        let mut state = self.state.lock().unwrap();
        state.released = state.held;
    }

    /// Breaks nothing any more.
    pub fn disarm(&self) {
        self.state.lock().unwrap().armed.clear();
    }

    /// How many requests have been broken.
    pub fn fired(&self) -> u32 {
        self.state.lock().unwrap().fired
    }
}

impl State {
    /// The fault for a piece of a request, used up.
    fn take(&mut self, piece: &[u8]) -> Option<Fault> {
        let armed = self.armed.iter_mut().find(|armed| {
            let needle = armed.needle.as_bytes();
            armed.times > 0 && piece.windows(needle.len()).any(|window| window == needle)
        })?;
        if armed.skipped > 0 {
            armed.skipped -= 1;
            return None;
        }
        armed.times -= 1;
        self.fired += 1;
        Some(armed.fault)
    }
}

/// Waits until what is held now is released.
fn hold(state: &Mutex<State>) {
    let mine = {
        let mut state = state.lock().unwrap();
        state.held += 1;
        state.held
    };
    while state.lock().unwrap().released < mine {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How the answers of one connection are passed back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Back {
    Pass,
    Close,
    Half,
    Swallow,
}

fn pass(mut client: TcpStream, upstream: SocketAddr, state: &Mutex<State>) {
    let Ok(mut server) = TcpStream::connect(upstream) else {
        return;
    };
    let back = Arc::new(Mutex::new(Back::Pass));
    let (Ok(reader), Ok(writer)) = (server.try_clone(), client.try_clone()) else {
        return;
    };
    let shared = Arc::clone(&back);
    let answers = std::thread::spawn(move || pass_back(reader, writer, &shared));
    let mut piece = vec![0; 64 << 10];
    let mut left = None;
    let mut altering = false;
    while let Ok(length) = client.read(&mut piece) {
        if length == 0 {
            break;
        }
        let is_head = piece[..length].ends_with(b"\r\n\r\n");
        if altering && !is_head {
            piece[length - 1] ^= 1;
            altering = false;
        }
        let piece = &mut piece[..length];
        let fault = match left {
            None => state.lock().unwrap().take(piece),
            Some(left) => Some(Fault::CutAt(left)),
        };
        let through = match fault {
            None | Some(Fault::Pass) => piece,
            Some(Fault::Hold) => {
                hold(state);
                piece
            }
            // The body may come with its head, or behind it.
            Some(Fault::Alter) => {
                match is_head {
                    true => altering = true,
                    false => piece[length - 1] ^= 1,
                }
                piece
            }
            Some(Fault::CutAt(bytes)) if bytes <= length => {
                let _ = server.write_all(&piece[..bytes]);
                break;
            }
            Some(Fault::CutAt(bytes)) => {
                left = Some(bytes - length);
                piece
            }
            Some(Fault::CutBefore) => break,
            Some(Fault::CutRequest) => {
                let _ = server.write_all(&piece[..length / 2]);
                break;
            }
            Some(Fault::Answer(text)) => {
                let _ = client.write_all(text.as_bytes());
                // Closed with bytes of the request unread, the connection would be reset, and the answer lost with it.
                let _ = client.shutdown(Shutdown::Write);
                let _ = client.set_read_timeout(Some(REST_MAX));
                while matches!(client.read(piece), Ok(1..)) {}
                break;
            }
            Some(Fault::CutAnswer) => {
                *back.lock().unwrap() = Back::Close;
                piece
            }
            Some(Fault::CutInAnswer) => {
                *back.lock().unwrap() = Back::Half;
                piece
            }
            Some(Fault::Hang) => {
                *back.lock().unwrap() = Back::Swallow;
                piece
            }
        };
        if server.write_all(through).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = answers.join();
}

fn pass_back(mut server: TcpStream, mut client: TcpStream, back: &Mutex<Back>) {
    let mut piece = vec![0; 64 << 10];
    while let Ok(length) = server.read(&mut piece) {
        if length == 0 {
            break;
        }
        let how = *back.lock().unwrap();
        let sent = match how {
            Back::Pass => client.write_all(&piece[..length]),
            Back::Swallow => continue,
            Back::Half => {
                let _ = client.write_all(&piece[..length / 2]);
                break;
            }
            Back::Close => break,
        };
        if sent.is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
}
