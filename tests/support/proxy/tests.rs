//! What each fault does, before a server that says everything back.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::{Fault, FaultProxy};

/// Far more than anything here takes that happens at all.
const DEADLINE: Duration = Duration::from_secs(20);
/// Long enough to see that nothing arrives.
const NOTHING: Duration = Duration::from_millis(150);
/// What faults take, where they take time.
const LATE: Duration = Duration::from_millis(100);

/// A server that says everything back, and hangs up after whoever hangs up.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    place
}

async fn proxy() -> FaultProxy {
    FaultProxy::before(&echo().await).await
}

async fn connected(proxy: &FaultProxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// What is said back, of as many bytes as were said.
async fn said_back(client: &mut TcpStream, words: &[u8]) -> std::io::Result<Vec<u8>> {
    client.write_all(words).await?;
    let mut heard = vec![0; words.len()];
    timeout(DEADLINE, client.read_exact(&mut heard)).await.expect("an answer in time")?;
    Ok(heard)
}

#[tokio::test]
async fn without_a_fault_everything_arrives_in_both_directions_and_in_order() {
    let proxy = proxy().await;
    let mut client = connected(&proxy).await;
    let much: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();

    let (mut from, mut to) = client.split();
    let heard = async {
        let mut heard = Vec::new();
        from.read_to_end(&mut heard).await.map(|_| heard)
    };
    let said = async {
        to.write_all(&much).await?;
        to.shutdown().await
    };
    let (heard, said) = timeout(DEADLINE, async { tokio::join!(heard, said) }).await.unwrap();

    said.unwrap();
    assert!(heard.unwrap() == much);
}

#[tokio::test]
async fn latency_makes_answers_late() {
    let proxy = proxy().await;
    let mut client = connected(&proxy).await;
    said_back(&mut client, b"before").await.unwrap();

    proxy.set(Fault::Latency(LATE)).await;
    let asked = Instant::now();
    assert_eq!(said_back(&mut client, b"hello").await.unwrap(), b"hello");
    assert!(asked.elapsed() >= LATE, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn answers_drip_until_the_fault_is_over() {
    let proxy = proxy().await;
    let mut client = connected(&proxy).await;

    proxy.set(Fault::Drip { bytes: 2, every: LATE / 4 }).await;
    let asked = Instant::now();
    assert_eq!(said_back(&mut client, b"12345678").await.unwrap(), b"12345678");
    assert!(asked.elapsed() >= LATE, "{:?}", asked.elapsed());

    proxy.set(Fault::Drip { bytes: 1, every: LATE }).await;
    client.write_all(&[7; 1_000]).await.unwrap();
    client.read_u8().await.unwrap();
    proxy.heal().await;
    let mut rest = [0; 999];
    timeout(DEADLINE, client.read_exact(&mut rest)).await.expect("100 s are over at once").unwrap();
}

#[tokio::test]
async fn what_is_cut_ends_and_is_refused_until_it_is_healed() {
    let proxy = proxy().await;
    let mut client = connected(&proxy).await;
    said_back(&mut client, b"before").await.unwrap();

    proxy.set(Fault::Cut).await;
    let mut heard = Vec::new();
    let ended = timeout(DEADLINE, client.read_to_end(&mut heard)).await.expect("it ends");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    let refused = TcpStream::connect(proxy.address()).await.map(drop);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);

    proxy.heal().await;
    assert_eq!(said_back(&mut connected(&proxy).await, b"after").await.unwrap(), b"after");
}

#[tokio::test]
async fn connections_are_reset_open_ones_and_new_ones() {
    let proxy = proxy().await;
    let mut client = connected(&proxy).await;
    said_back(&mut client, b"before").await.unwrap();

    proxy.set(Fault::Reset).await;
    let reset = timeout(DEADLINE, client.read_u8()).await.expect("it ends");
    assert_eq!(reset.unwrap_err().kind(), ErrorKind::ConnectionReset);
    // A new one may be reset before or after it is open.
    let mut heard = 0;
    if let Ok(mut client) = TcpStream::connect(proxy.address()).await {
        heard = timeout(DEADLINE, client.read(&mut [0; 1])).await.expect("it ends").unwrap_or_default();
    }
    assert_eq!(heard, 0);

    proxy.heal().await;
    assert_eq!(said_back(&mut connected(&proxy).await, b"after").await.unwrap(), b"after");
}

#[tokio::test]
async fn a_black_hole_holds_everything_and_gives_it_back() {
    let proxy = proxy().await;
    let mut open = connected(&proxy).await;
    said_back(&mut open, b"before").await.unwrap();

    proxy.set(Fault::BlackHole).await;
    let mut new = connected(&proxy).await;
    for client in [&mut open, &mut new] {
        client.write_all(b"x").await.unwrap();
        assert!(timeout(NOTHING, client.read_u8()).await.is_err(), "nothing arrives");
    }

    proxy.heal().await;
    for client in [&mut open, &mut new] {
        assert_eq!(timeout(DEADLINE, client.read_u8()).await.expect("it arrives").unwrap(), b'x');
    }
}

#[tokio::test]
async fn an_answer_is_truncated_after_so_many_bytes_of_each_connection() {
    let proxy = proxy().await;
    for bytes in [3, 0] {
        proxy.heal().await;
        let mut client = connected(&proxy).await;
        said_back(&mut client, b"before").await.unwrap();

        proxy.set(Fault::Truncate(bytes)).await;
        client.write_all(b"hello").await.unwrap();
        let mut heard = Vec::new();
        // What was not read any more may make a reset of the end.
        let _ended = timeout(DEADLINE, client.read_to_end(&mut heard)).await.expect("it ends");
        assert_eq!(heard, b"hello"[..bytes]);
    }
}

#[tokio::test]
async fn who_hangs_up_is_heard_late() {
    let proxy = proxy().await;
    let mut client = connected(&proxy).await;
    proxy.set(Fault::SlowClose(LATE)).await;

    let hung_up = Instant::now();
    client.shutdown().await.unwrap();
    assert_eq!(timeout(DEADLINE, client.read(&mut [0; 1])).await.expect("it ends").unwrap(), 0);
    assert!(hung_up.elapsed() >= LATE * 2, "once in each direction, not {:?}", hung_up.elapsed());
}

#[tokio::test]
async fn more_connections_than_there_may_be_wait_until_others_end() {
    let proxy = FaultProxy::for_at_most(1, &echo().await).await;
    let mut first = connected(&proxy).await;
    said_back(&mut first, b"first").await.unwrap();
    let mut second = connected(&proxy).await;
    second.write_all(b"x").await.unwrap();
    assert!(timeout(NOTHING, second.read_u8()).await.is_err(), "it waits");

    drop(first);
    assert_eq!(timeout(DEADLINE, second.read_u8()).await.expect("it has its turn").unwrap(), b'x');
}

#[tokio::test]
async fn connections_end_with_the_proxy() {
    let proxy = proxy().await;
    let mut client = connected(&proxy).await;
    said_back(&mut client, b"before").await.unwrap();

    drop(proxy);
    let ended = timeout(DEADLINE, client.read(&mut [0; 1])).await.expect("it ends");
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}
