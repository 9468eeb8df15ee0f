//! The server, tested as its users meet it: over HTTP and over sockets, each test with a
//! database of its own.

#![cfg(test)]

mod api_keys;
mod app;
mod asvs;
mod attacks;
mod authenticator;
mod authz;
mod billing;
mod bulk;
mod connections;
mod flood;
mod hosted_project;
mod hosted_rules;
mod hosted_stack;
mod identity;
mod impersonation;
mod import;
mod invitations;
mod kernel;
mod logs;
mod mails;
mod openapi;
mod passkeys;
mod passwords;
mod payments;
mod people;
mod people_found;
mod person;
mod pooler;
mod provider;
mod providers;
mod rates;
mod realtime;
mod refresh;
mod roles;
mod second_factor;
mod self_service;
mod sessions;
mod sign_in_mail;
mod signing_keys;
mod socket_networks;
mod socket_tokens;
mod stack_codes;
mod stack_passkeys;
mod stack_sessions;
mod standing;
mod system;
mod template;
mod tidy;
mod tokens;
mod updates;
mod vault;
