//! See the file that this belongs to.
