//! One connection through the proxy.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::{Fault, Rule};

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const PIECE: usize = 16 * 1024;

/// Passes on what either side says, as the rules have it. What goes wrong ends the connection: that is what the proxy is for.
pub(super) async fn relay(mut client: TcpStream, upstream: &str, mut rules: watch::Receiver<Rule>) {
    if out_of_the_hole(&mut rules).await.is_err() || ends(rules.borrow().1) {
        return reset(&client);
    }
    let Ok(Ok(mut server)) = timeout(CONNECT_DEADLINE, TcpStream::connect(upstream)).await else {
        return reset(&client);
    };
    // What waits for more to send would be a fault that nobody asked for.
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));

    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let mut fate = rules.clone();
    let is_whole = tokio::select! {
        biased;
        _ = fate.wait_for(|(_, fault)| ends(*fault)) => false,
        passed = async {
            let requests = pass(from_client, to_server, rules.clone(), false);
            tokio::try_join!(requests, pass(from_server, to_client, rules.clone(), true))
        } => passed.is_ok(),
    };
    if !is_whole && fate.borrow().1 == Fault::Reset {
        reset(&client);
        reset(&server);
    }
}

fn ends(fault: Fault) -> bool {
    matches!(fault, Fault::Cut | Fault::Reset)
}

/// The connection ends with a reset when it is dropped.
fn reset(stream: &TcpStream) {
    // A connection that is gone already is as good.
    let _ = stream.set_zero_linger();
}

/// Waits while nothing may pass, and gives what happens then.
async fn out_of_the_hole(rules: &mut watch::Receiver<Rule>) -> io::Result<Fault> {
    let rule = rules.wait_for(|(_, fault)| *fault != Fault::BlackHole).await.map_err(io::Error::other)?;
    Ok(rule.1)
}

/// Passes on one direction, until it ends.
async fn pass(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut rules: watch::Receiver<Rule>,
    is_answer: bool,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    // What is left to pass under a rule that counts.
    let mut left: Option<(u64, usize)> = None;
    loop {
        let length = from.read(&mut piece).await?;
        let fault = out_of_the_hole(&mut rules).await?;
        if length == 0 {
            if let Fault::SlowClose(late) = fault {
                sleep(late).await;
            }
            return to.shutdown().await;
        }
        let told = &piece[..length];
        match fault {
            Fault::Latency(late) if is_answer => {
                sleep(late).await;
                to.write_all(told).await?;
            }
            Fault::Drip { .. } if is_answer => drip(told, &mut to, &mut rules).await?,
            Fault::Truncate(bytes) if is_answer => {
                let number = rules.borrow().0;
                let rest = left.filter(|(of, _)| *of == number).map_or(bytes, |(_, rest)| rest);
                let told = &told[..length.min(rest)];
                to.write_all(told).await?;
                left = Some((number, rest - told.len()));
                if rest == told.len() {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
            }
            _ => to.write_all(told).await?,
        }
    }
}

/// Passes on in drips, until that rule is over.
async fn drip(told: &[u8], to: &mut WriteHalf<'_>, rules: &mut watch::Receiver<Rule>) -> io::Result<()> {
    let mut rest = told;
    while !rest.is_empty() {
        let (now, later) = match out_of_the_hole(rules).await? {
            Fault::Drip { bytes, every } => {
                sleep(every).await;
                rest.split_at(bytes.clamp(1, rest.len()))
            }
            _ => (rest, &[][..]),
        };
        to.write_all(now).await?;
        rest = later;
    }
    Ok(())
}
