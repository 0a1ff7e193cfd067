//! The loop that takes connections of a stand-in and ends them all when it stops.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Connections the kernel may hold before they are taken: thousands may come at once.
const BACKLOG: u32 = 4_096;
/// After a failed accept (out of file handles, say) the loop waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A running loop; dropping it ends its connections.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on `address` (port 0 picks one) and gives each connection, with its number, to
    /// `converse`.
    pub(crate) fn start<C, F>(address: SocketAddr, converse: C) -> io::Result<Server>
    where
        C: Fn(TcpStream, u64) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(take(listener, converse));
        Ok(Server { address, task })
    }

    /// Stops listening and drops all connections; returns when the port is free.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        // The task was cancelled on purpose, so its error says nothing.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take<C, F>(listener: TcpListener, converse: C)
where
    C: Fn(TcpStream, u64) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut open = JoinSet::new();
    let mut number = 0;
    loop {
        tokio::select! {
            Some(_) = open.join_next(), if !open.is_empty() => {}
            taken = listener.accept() => match taken {
                Ok((stream, _)) => {
                    number += 1;
                    open.spawn(converse(stream, number));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
}
