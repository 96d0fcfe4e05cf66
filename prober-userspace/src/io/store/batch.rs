//! Replies on their way into the table `reply`, column by column.

use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondArray, UInt8Array, UInt16Array, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;
use prober_common::event::ReplyEvent;

use crate::model::scan::ScanId;
use crate::model::utc::UtcMicros;

/// Columns being filled.
pub(super) struct BatchBuilder {
    scan: ScanId,
    schema: SchemaRef,
    capacity: usize,
    received_at: Vec<i64>,
    rtt_us: Vec<u32>,
    address: Vec<u32>,
    responder: Vec<u32>,
    responder_known: Vec<bool>,
    port: Vec<u16>,
    kind: Vec<u8>,
    probe: Vec<u8>,
    ttl: Vec<u8>,
    detail: Vec<u16>,
    quoted_ttl: Vec<u8>,
}

impl BatchBuilder {
    /// For rows of one scan; `capacity` is allocated anew for each batch.
    pub(super) fn new(scan: ScanId, capacity: usize) -> Self {
        let mut builder = Self {
            scan,
            schema: schema(),
            capacity,
            received_at: Vec::new(),
            rtt_us: Vec::new(),
            address: Vec::new(),
            responder: Vec::new(),
            responder_known: Vec::new(),
            port: Vec::new(),
            kind: Vec::new(),
            probe: Vec::new(),
            ttl: Vec::new(),
            detail: Vec::new(),
            quoted_ttl: Vec::new(),
        };
        builder.reserve();
        builder
    }

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.address.len()
    }

    /// Adds a row. The RTT is the difference of both times after rounding down to microseconds, so that the send time -
    /// a whole number of ticks - can be had back from the row without error.
    #[inline]
    pub(super) fn push(&mut self, event: &ReplyEvent, received_at: UtcMicros) {
        let sent_us = event.received_ns.saturating_sub(event.rtt_ns) / 1000;
        self.received_at.push(received_at.0);
        self.rtt_us.push(u32::try_from(event.received_ns / 1000 - sent_us).unwrap_or(u32::MAX));
        self.address.push(event.target.0);
        self.responder.push(event.responder.0);
        self.responder_known.push(event.responder != event.target);
        self.port.push(event.port);
        self.kind.push(event.kind);
        self.probe.push(event.probe);
        self.ttl.push(event.ttl);
        self.detail.push(event.detail);
        self.quoted_ttl.push(event.quoted_ttl);
    }

    /// The rows so far as a batch; the builder starts over.
    pub(super) fn take(&mut self) -> RecordBatch {
        use std::mem::take;
        let rows = self.len();
        let responder_known = NullBuffer::new(BooleanBuffer::from(take(&mut self.responder_known)));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(vec![self.scan.0; rows])),
            Arc::new(TimestampMicrosecondArray::from(take(&mut self.received_at))),
            Arc::new(UInt32Array::from(take(&mut self.rtt_us))),
            Arc::new(UInt32Array::from(take(&mut self.address))),
            Arc::new(UInt32Array::new(take(&mut self.responder).into(), Some(responder_known))),
            Arc::new(UInt16Array::from(take(&mut self.port))),
            Arc::new(UInt8Array::from(take(&mut self.kind))),
            Arc::new(UInt8Array::from(take(&mut self.probe))),
            Arc::new(UInt8Array::from(take(&mut self.ttl))),
            Arc::new(UInt16Array::from(take(&mut self.detail))),
            Arc::new(UInt8Array::from(take(&mut self.quoted_ttl))),
        ];
        self.reserve();
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .expect("the columns are those of schema(), all of one length")
    }

    fn reserve(&mut self) {
        let rows = self.capacity;
        self.received_at.reserve(rows);
        self.rtt_us.reserve(rows);
        self.address.reserve(rows);
        self.responder.reserve(rows);
        self.responder_known.reserve(rows);
        self.port.reserve(rows);
        self.kind.reserve(rows);
        self.probe.reserve(rows);
        self.ttl.reserve(rows);
        self.detail.reserve(rows);
        self.quoted_ttl.reserve(rows);
    }
}

/// The columns of the table `reply`, in its order.
fn schema() -> SchemaRef {
    let column = |name: &str, kind: DataType| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        column("scan_id", DataType::UInt32),
        column("received_at", DataType::Timestamp(TimeUnit::Microsecond, None)),
        column("rtt_us", DataType::UInt32),
        column("address", DataType::UInt32),
        Field::new("responder", DataType::UInt32, true),
        column("port", DataType::UInt16),
        column("kind", DataType::UInt8),
        column("probe", DataType::UInt8),
        column("ttl", DataType::UInt8),
        column("detail", DataType::UInt16),
        column("quoted_ttl", DataType::UInt8),
    ]))
}
