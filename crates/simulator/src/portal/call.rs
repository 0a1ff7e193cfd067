//! Each call of login and data path as the portal saw it, beside the bytes in the log.

use bytes::Bytes;
use serde::Serialize;
use terms::clock::Timestamp;

use super::check::{Finding, Findings};
use super::envelope::Call;
use crate::wire::Request;

/// What stands before an adapter's own path.
const ADAPTERS: [&str; 2] = ["XrdAdapter", "VXPAdapter"];

/// The name under which the login is counted.
pub(super) const LOGIN: &str = "login";

/// One call. Its bytes are those of the same id in the log of what was received.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CallSeen {
    /// Rising; the id of the request in `/inspect/received`.
    pub id: u64,
    /// When it was read to its end.
    pub at: Timestamp,
    /// Number of the connection.
    pub connection: u64,
    /// Path as sent, without query.
    pub path: String,
    /// `XrdAdapter` or `VXPAdapter`, when it came on an adapter's path.
    pub adapter: Option<&'static str>,
    /// Header `dstcode`.
    pub dstcode_header: Option<String>,
    /// Query parameter `dstcode`, percent-decoded.
    pub dstcode_query: Option<String>,
    /// Query parameter `providerurl`, percent-decoded.
    pub providerurl: Option<String>,
    /// `login`, or `service` as sent.
    pub service: String,
    /// `madonvi`; for the login the user name.
    pub unit: String,
    /// Did it come as an update?
    #[serde(rename = "isUpdating")]
    pub update: bool,
    /// Records in `data`.
    pub records: usize,
    /// The dossiers it names.
    pub dossiers: Vec<String>,
    /// Was another call for one of these dossiers still being answered when it came?
    pub overlapping: bool,
    /// Status answered; `None` when the connection was broken instead.
    pub status: Option<u16>,
    /// `error_code` as answered; `None` when no envelope was answered.
    pub error_code: Option<String>,
    /// `message` as answered.
    pub message: String,
    /// Was it taken?
    pub accepted: bool,
    /// Was it hit by trouble on demand?
    pub troubled: bool,
    /// What was noticed; the first 200 errors and the first 200 warnings.
    pub findings: Vec<Finding>,
    /// How many of all findings are errors.
    pub errors: usize,
    /// The body answered; at `/inspect/calls/ID/answer`.
    #[serde(skip)]
    pub answer: Bytes,
}

impl CallSeen {
    /// What can be seen before the body is looked at.
    pub(super) fn of(request: &Request, at: Timestamp) -> CallSeen {
        let path = request.path();
        let adapter =
            ADAPTERS.into_iter().find(|adapter| path.split('/').any(|part| part == *adapter));
        let named = |name| request.parameter(name);
        CallSeen {
            id: request.id,
            at,
            connection: request.connection,
            path: path.to_owned(),
            adapter,
            dstcode_header: request.header("dstcode").map(str::to_owned),
            dstcode_query: named("dstcode"),
            providerurl: named("providerurl"),
            ..CallSeen::default()
        }
    }

    /// What can be seen of the envelope, before it is judged.
    pub(super) fn describe(&mut self, call: &Call) {
        self.service.clone_from(&call.service);
        self.unit = call.fields.text("madonvi");
        self.update = call.update;
        self.records = call.rows.as_ref().map_or(0, Vec::len);
        self.dossiers = call.dossiers();
    }

    /// `dstcode`, wherever it stood.
    pub fn dstcode(&self) -> Option<&str> {
        self.dstcode_header.as_deref().or(self.dstcode_query.as_deref())
    }

    /// What is odd about the request's head.
    pub(super) fn check_head(&self, request: &Request, findings: &mut Findings) {
        let json = request.header("content-type").is_some_and(|kind| kind.contains("json"));
        if !json {
            let vi = "Content-Type nên là application/json";
            findings.warn("Content-Type", "content-type", vi, "should be application/json");
        }
        if self.adapter.is_some() && self.dstcode().is_none() {
            let vi = "đường dẫn adapter nhưng không có dstcode";
            findings.warn("dstcode", "dstcode", vi, "an adapter path without dstcode");
        }
        if let (Some(header), Some(query)) = (&self.dstcode_header, &self.dstcode_query)
            && header != query
        {
            let vi = "header và query khác nhau";
            findings.error("dstcode", "dstcode", vi, "header and query differ");
        }
    }
}
