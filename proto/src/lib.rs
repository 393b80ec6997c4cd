//! The wire contract `stagedoor.v1`: messages, clients and servers generated from `stagedoor/v1/*.proto`.
//! The generated code is committed, so that a build needs no `protoc`; `cargo xtask codegen` makes it anew.

mod redacted;

/// Package `stagedoor.v1`.
#[expect(
    missing_docs,
    reason = "generated code documents messages and methods, not every module"
)]
#[expect(clippy::allow_attributes, reason = "the generator writes `allow`")]
#[expect(
    clippy::allow_attributes_without_reason,
    reason = "the generator writes `allow`"
)]
pub mod v1 {
    include!("generated/stagedoor.v1.rs");

    /// The encoded `FileDescriptorSet` of this package, for gRPC reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/stagedoor.v1.bin");
}
