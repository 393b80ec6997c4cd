//! End-to-end tests: the real server over gRPC, the real binary as a user runs it. See `it/`.
