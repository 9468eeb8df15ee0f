//! The server, tested as its users meet it: over HTTP and over sockets, each test with a
//! database of its own.

#![cfg(test)]

mod app;
mod authz;
mod billing;
mod bulk;
mod identity;
mod kernel;
mod openapi;
mod people;
mod person;
mod rates;
mod realtime;
mod refresh;
mod roles;
mod sessions;
mod standing;
mod system;
mod template;
mod tidy;
mod tokens;
mod updates;
