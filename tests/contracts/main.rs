//! The same promises, every engine: what a port says in its documentation, its engines must do.

mod vectors;
