//! A connection to work with: one of the pool's, or that of the transaction which is held.

use super::Connection;
use super::held::Hold;
use super::pool::Lease;

pub(super) enum Access {
    Own(Lease),
    Held(Hold),
}

impl Access {
    pub(super) fn connection(&mut self) -> &mut Connection {
        self.lease().connection()
    }

    pub(super) fn lease(&mut self) -> &mut Lease {
        match self {
            Self::Own(lease) => lease,
            Self::Held(hold) => hold.lease(),
        }
    }
}
