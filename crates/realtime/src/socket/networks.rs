//! How many sockets each network has open here, so that nobody takes all of them.
//!
//! A network is one address of IPv4, or the /64 of IPv6 that one customer gets, as the proxies
//! that are trusted tell it. This machine itself is not counted: where a proxy in front of us
//! was not named, everybody seems to come from it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use kernel::client::ClientAddr;

/// The open sockets of every network that has any.
#[derive(Debug)]
pub(crate) struct Networks {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A socket's place in its network, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Seat(Option<(Arc<Networks>, IpAddr)>);

impl Networks {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            open: Mutex::default(),
        })
    }

    /// A place for a socket from there; none if the network has all that it may have.
    pub(crate) fn enter(self: &Arc<Self>, from: ClientAddr) -> Option<Seat> {
        if from.0.is_loopback() || from.0.is_unspecified() {
            return Some(Seat(None));
        }
        let network = from.network();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(network).or_default();
        if *count >= self.most {
            if *count == 0 {
                open.remove(&network);
            }
            return None;
        }
        *count += 1;
        Some(Seat(Some((Arc::clone(self), network))))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some((networks, network)) = self.0.take() else {
            return;
        };
        let mut open = networks.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                open.remove(&network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_so_many_and_gets_back_what_it_leaves() {
        let networks = Networks::new(2);
        let enter = |address: &str| networks.enter(ClientAddr(address.parse().unwrap()));
        // One customer's addresses of IPv6 are one network.
        let (one, two) = (enter("2001:db8::1"), enter("2001:db8::2"));
        assert!(one.is_some() && two.is_some() && enter("2001:db8::3").is_none());
        assert!(enter("2001:db8:0:1::1").is_some() && enter("192.0.2.1").is_some());
        drop(one);
        assert!(enter("2001:db8::3").is_some());
        drop(two);
        assert!(networks.open.lock().unwrap().is_empty());
        let near: Vec<_> = (0..9).map(|_| enter("127.0.0.1").unwrap()).collect();
        assert_eq!(near.len(), 9);
        assert!(
            Networks::new(0)
                .enter(ClientAddr([192, 0, 2, 1].into()))
                .is_none()
        );
    }
}
