//! What the HTTP server shows: written by the service at each turn, read by the server's thread.

use std::sync::{PoisonError, RwLock};

use super::figures;
use crate::io::http::Page;
use crate::model::attribution::Attribution;
use crate::model::service_status::ServiceStatus;

/// What the HTTP server shows; replaced whole.
#[derive(Debug)]
pub struct Shown {
    /// The public pages.
    pub attribution: RwLock<Attribution>,
    /// The figures.
    pub status: RwLock<ServiceStatus>,
}

impl Shown {
    /// The page of figures.
    pub fn metrics(&self) -> Page {
        figures::metrics(&self.status.read().unwrap_or_else(PoisonError::into_inner)).into_page()
    }

    /// A copy of the attribution.
    pub fn attribution(&self) -> Attribution {
        self.attribution.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
