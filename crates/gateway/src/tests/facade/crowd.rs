//! Strangers who fill the room for bodies of unknown senders, and those who have work to do.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use terms::clock::Clock;
use terms::exchange::{Blame, Outcome};
use terms::limit::WHOLE_UNKNOWN_BYTES_MAX;

use super::{Province, json, sample, told};
use crate::tests::world::wait_until;

/// So many of them, each with so much that all together want more than there is.
const CROWD: usize = 330;
const EACH: usize = WHOLE_UNKNOWN_BYTES_MAX / CROWD + 16 * 1024;

/// Announces 32 MiB, sends a part of it and no end.
fn stranger(to: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    let head = "POST /mapi/g HTTP/1.1\r\nhost: a\r\ncontent-length: 33554432\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b' '; EACH]).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

/// What a stranger was told, if anything.
fn heard(stream: &mut TcpStream) -> Option<String> {
    let mut words = vec![0; 4_096];
    match stream.read(&mut words) {
        Ok(read) => Some(String::from_utf8_lossy(&words[..read]).into_owned()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => Some(error.to_string()),
    }
}

#[test]
fn who_is_known_and_who_is_quick_gets_through_a_crowd_of_slow_strangers() {
    let province = Province::start();
    let session = province.session();
    let one = |_| Ipv4Addr::LOCALHOST;
    let many = |index: usize| Ipv4Addr::new(127, 0, 0, u8::try_from(2 + index % 250).unwrap());
    let networks = |index: usize| Ipv4Addr::new(127, 0, u8::try_from(index % 250).unwrap(), 9);
    for from in [&one as &dyn Fn(usize) -> Ipv4Addr, &many, &networks] {
        let mut crowd: Vec<_> =
            (0..CROWD).map(|index| stranger(province.world.live, from(index))).collect();
        // the room is full once the first of them is turned away
        let is_full = |told: String| told.contains(r#""code":"overloaded""#);
        wait_until("the room is full", || crowd.iter_mut().filter_map(heard).any(is_full));
        let clock = Clock::system();
        for _ in 0..10 {
            // each of them holds on
            crowd.iter_mut().for_each(|stranger| drop(stranger.write(b" ")));
            for known in [true, false] {
                let body = sample("02", &session);
                let since = clock.instant();
                let answer = match known {
                    true => province.post_known("/mapi/g", &body),
                    false => province.post("/mapi/g", "", &body),
                };
                let took = clock.instant() - since;
                assert!(told(&answer).0 == 0 || told(&answer).1.contains("tồn tại"));
                assert!(took < Duration::from_secs(1), "known: {known}, {took:?}");
            }
        }
        let gone = crowd.iter_mut().filter_map(heard).count();
        assert!(gone < CROWD * 3 / 4, "many of the crowd are still there: {gone} are not");
    }
}

#[test]
fn a_stranger_whose_body_drips_is_told_so_long_before_the_end_of_its_call() {
    let province = Province::start();
    let clock = Clock::system();
    let since = clock.instant();
    let head = "content-length: 100\r\n";
    let mut consumer = province.world.consumer();
    consumer.say(format!("POST /mapi/g HTTP/1.1\r\nhost: a\r\n{head}\r\n{{"));
    let answer = consumer.hear();
    let took = clock.instant() - since;
    assert_eq!((answer.status, &json(&answer)["code"]), (200, &"request_timeout".into()));
    assert!((5..9).contains(&took.as_secs()), "{took:?}");
    let row = province.world.row(&answer);
    assert_eq!((row.outcome, row.blame), (Some(Outcome::Denied), Some(Blame::Consumer)));
    assert_eq!(row.response_bytes, Some(answer.body.len() as u64));
}
