//! A Redis server of a test's own.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
};

pub(crate) struct Redis {
    process: Child,
    pub(crate) url: String,
}

impl Redis {
    pub(crate) fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let arguments = [
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            "/tmp",
            "--port",
        ];
        let start = |program: &str| {
            Command::new(program)
                .args(arguments)
                .arg(port.to_string())
                .stdout(Stdio::null())
                .spawn()
        };
        let process = start("redis-server")
            .or_else(|_| start("valkey-server"))
            .expect("redis-server or valkey-server is installed (script/setup test)");
        Self {
            process,
            url: format!("redis://127.0.0.1:{port}/"),
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
