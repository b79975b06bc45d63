//! The server, driven by the clients it is for.
