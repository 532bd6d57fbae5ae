//! How many calls are made.

use aws_sdk_ec2::config::interceptors::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many calls were made to EC2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// All of them: one per page.
    pub made: u32,
    /// How many of these were made again, after no answer or one that said to wait.
    pub again: u32,
}

/// Counts the calls of all clients it is given to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counter {
    begun: Arc<AtomicU32>,
    sent: Arc<AtomicU32>,
}

impl Counter {
    pub(crate) fn calls(&self) -> Calls {
        let made = self.sent.load(Ordering::Relaxed);
        Calls {
            made,
            // A call that never got as far as being sent was begun all the same.
            again: made.saturating_sub(self.begun.load(Ordering::Relaxed)),
        }
    }
}

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
