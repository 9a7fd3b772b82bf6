//! What a guest has instead of `std`: its input and output, debug text, a heap, and an end for panics.
//! Copy this file into a program of your own. The functions are the C runtime's (truestep.h).

use alloc::format;
use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

mod runtime {
    extern "C" {
        pub fn read_input(buf: *mut *const u8, size: *mut usize);
        pub fn write_output(buf: *const u8, size: usize);
        pub fn debug_write(text: *const u8, size: usize);
        pub fn aligned_alloc(alignment: usize, size: usize) -> *mut u8;
        pub fn free(block: *mut u8);
        pub fn _Exit(code: i32) -> !;
    }
}

const PANIC_EXIT_CODE: i32 = 101;

/// The shard's input.
pub fn input() -> &'static [u8] {
    let (mut start, mut size) = (core::ptr::null(), 0);
    // SAFETY: the input is part of memory for as long as the guest runs, and nothing can store to it.
    unsafe {
        runtime::read_input(&mut start, &mut size);
        core::slice::from_raw_parts(start, size)
    }
}

/// Appends bytes to the output.
pub fn output(bytes: &[u8]) {
    unsafe { runtime::write_output(bytes.as_ptr(), bytes.len()) }
}

/// Shows text to whoever runs the guest; it is no part of the result.
pub fn debug(text: &str) {
    unsafe { runtime::debug_write(text.as_ptr(), text.len()) }
}

struct Heap;

unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        runtime::aligned_alloc(layout.align(), layout.pad_to_align().size())
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        runtime::free(block)
    }
}

#[global_allocator]
static HEAP: Heap = Heap;

#[panic_handler]
fn panicked(info: &PanicInfo) -> ! {
    debug(&format!("{}\n", info));
    unsafe { runtime::_Exit(PANIC_EXIT_CODE) }
}
