// SPDX-License-Identifier: BSL-1.0
#[path = "../rust/channels/channels.rs"]
mod channels;

fn main() {
    channels::main(4);
}
