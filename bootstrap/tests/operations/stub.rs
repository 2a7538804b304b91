//! What stands for others whom the program calls: it hears every request, and answers it.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A request.
pub(crate) struct Heard {
    /// Its first line, and its headers as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// The status, the media type and the text of an answer.
pub(crate) type Said = (u16, &'static str, String);

/// Listens from now on, and answers each request; where it listens.
pub(crate) async fn answering(answer: impl Fn(&Heard) -> Said + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut socket = BufReader::new(socket);
                while let Some(heard) = request(&mut socket).await {
                    let (status, media_type, body) = answer(&heard);
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 {status} Said\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\r\n"
                    );
                    if socket.get_mut().write_all(format!("{head}{body}").as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// The next request of a connection, as long as there is one.
async fn request(socket: &mut BufReader<TcpStream>) -> Option<Heard> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if socket.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await.ok()?;
    Some(Heard { head, body })
}
