//! Bombs, lorises, clients that do not read: bounded, told, and others unharmed.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use davy_server::receiver::{Intake, Limits, Taken};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::wire::{JSON, answer, exchange, post, receiver, remembering, request};

/// Long enough for a machine that compiles beside us, short beside the patience of the default limits.
const SOON: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_gzip_bomb_of_a_gigabyte_is_refused_at_the_bound() {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; 4 << 20]).unwrap();
    // Members of one gzip file follow one another.
    let bomb = encoder.finish().unwrap().repeat(256);
    let (receiver, passed) = remembering(Limits { body: 8 << 20, ..Limits::default() }).await;
    let answer = post(receiver.addresses()[0], "/v1/metrics", &[JSON, ("content-encoding", "gzip")], &bomb).await;
    assert_eq!(answer.status, 413, "{}", String::from_utf8_lossy(&answer.body));
    assert!(passed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn beyond_the_memory_of_all_bodies_a_client_is_told_to_come_again() {
    let (arrived, arrival) = channel();
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let intake: Intake = Box::new(move |_, _, body| {
        if body.first() == Some(&b'w') {
            arrived.send(()).expect("the test waits");
            // Also where the test has failed, and its end is dropped.
            let _ = released.lock().expect("nobody panics").recv_timeout(Duration::from_secs(30));
        }
        Ok(Taken::default())
    });
    let receiver = receiver(Limits { memory: 192 << 10, ..Limits::default() }, intake).await;
    let address = receiver.addresses()[0];
    let held = tokio::spawn(async move { post(address, "/v1/metrics", &[JSON], &[b'w'; 100_000]).await.status });
    tokio::task::spawn_blocking(move || arrival.recv()).await.unwrap().unwrap();
    let refused = post(address, "/v1/metrics", &[JSON], &[b'x'; 100_000]).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("2")));
    let said: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!((said["code"].as_i64(), said["details"][0]["retryDelay"].as_str()), (Some(14), Some("2s")), "{said}");
    assert_eq!(post(address, "/v1/metrics", &[JSON], b"x").await.status, 200, "a small body still fits");
    release.send(()).unwrap();
    assert_eq!(held.await.unwrap(), 200);
    assert_eq!(post(address, "/v1/metrics", &[JSON], &[b'x'; 100_000]).await.status, 200, "what was held is given back");
}

#[tokio::test]
async fn heads_that_dribble_are_closed_and_others_are_answered_meanwhile() {
    let (receiver, _) = remembering(Limits { head: SOON, ..Limits::default() }).await;
    let address = receiver.addresses()[0];
    let mut lorises = Vec::new();
    for begin in ["", "P", "PRI * HT", "POST /v1/metrics HTTP/1.1\r\nhost: da"].iter().cycle().take(200) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(begin.as_bytes()).await.unwrap();
        lorises.push(stream);
    }
    assert_eq!(post(address, "/v1/metrics", &[JSON], b"x").await.status, 200);
    for mut loris in lorises {
        let closed = tokio::time::timeout(Duration::from_secs(20), loris.read_to_end(&mut Vec::new())).await;
        assert!(closed.is_ok(), "still open");
    }
}

#[tokio::test]
async fn a_body_that_dribbles_is_told_so_and_closed() {
    let (receiver, passed) = remembering(Limits { pause: SOON, whole: SOON * 2, ..Limits::default() }).await;
    let address = receiver.addresses()[0];
    let sent = request("/v1/metrics", &[JSON], &[b'x'; 1_000]);
    // One stops; one goes on, byte by byte, and would take minutes.
    let stops = exchange(TcpStream::connect(address).await.unwrap(), &sent[..sent.len() - 1]);
    let dribbles = async {
        let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
        let head = sent[..sent.len() - 1_000].to_vec();
        let writer = tokio::spawn(async move {
            writing.write_all(&head).await?;
            let mut ticks = tokio::time::interval(Duration::from_millis(50));
            loop {
                ticks.tick().await;
                writing.write_all(b"x").await?;
            }
            #[expect(unreachable_code, reason = "says what the block's error is")]
            std::io::Result::Ok(())
        });
        let answer = answer(&mut reading).await;
        writer.abort();
        answer
    };
    let (stops, dribbles) = tokio::join!(stops, dribbles);
    assert_eq!((stops.status, dribbles.status), (408, 408));
    assert!(passed.lock().unwrap().is_empty());
}

#[tokio::test]
async fn beyond_the_bound_of_connections_new_ones_wait_and_are_answered() {
    let (receiver, _) = remembering(Limits { connections: 3, head: SOON, ..Limits::default() }).await;
    let address = receiver.addresses()[0];
    let mut idle = Vec::new();
    for _ in 0..9 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let began = Instant::now();
    assert_eq!(post(address, "/v1/metrics", &[JSON], b"x").await.status, 200);
    assert!(began.elapsed() >= SOON * 2, "nine idle ones in threes: answered after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_client_that_never_reads_is_closed_and_others_are_answered_meanwhile() {
    let (receiver, _) = remembering(Limits { write: SOON, ..Limits::default() }).await;
    let address = receiver.addresses()[0];
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut greedy = socket.connect(address).await.unwrap();
    let one = String::from_utf8(request(&format!("/{}", "x".repeat(80)), &[JSON], b"")).unwrap().replace("connection: close\r\n", "");
    let many = one.repeat(100);
    let mut count = 0;
    // Writes until the receiver has had enough of it.
    while greedy.write_all(many.as_bytes()).await.is_ok() {
        count += 1;
        assert!(count < 5_000, "half a million requests whose answers were not read");
        if count % 50 == 1 {
            assert_eq!(post(address, "/v1/metrics", &[JSON], b"x").await.status, 200);
        }
    }
    assert_eq!(post(address, "/v1/metrics", &[JSON], b"x").await.status, 200);
}

#[tokio::test]
async fn a_body_on_which_the_intake_fails_harms_nobody_else() {
    let intake: Intake = Box::new(|_, _, body| {
        assert!(body != b"bug", "a bug");
        Ok(Taken::default())
    });
    let receiver = receiver(Limits { memory: 20 << 10, ..Limits::default() }, intake).await;
    let address = receiver.addresses()[0];
    for _ in 0..20 {
        let answer = post(address, "/v1/metrics", &[JSON], b"bug").await;
        assert_eq!(answer.status, 400);
    }
    assert_eq!(post(address, "/v1/metrics", &[JSON], b"x").await.status, 200);
}

#[tokio::test]
async fn stopping_answers_what_has_begun_and_takes_nothing_new() {
    let (receiver, passed) = remembering(Limits::default()).await;
    let address = receiver.addresses()[0];
    let sent = request("/v1/metrics", &[JSON], b"0123456789");
    let mut begun = TcpStream::connect(address).await.unwrap();
    begun.write_all(&sent[..sent.len() - 5]).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    assert_eq!(post(address, "/v1/metrics", &[JSON], b"x").await.status, 200, "both are accepted by now");
    let stop = tokio::spawn(receiver.stop());
    assert_eq!(idle.read_to_end(&mut Vec::new()).await.unwrap(), 0, "idle ones are closed");
    begun.write_all(&sent[sent.len() - 5..]).await.unwrap();
    assert_eq!(answer(&mut begun).await.status, 200);
    stop.await.unwrap();
    assert_eq!(passed.lock().unwrap().len(), 2);
    assert!(TcpStream::connect(address).await.is_err());
}
