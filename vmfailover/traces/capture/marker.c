/* Marks where `vmfailover trace capture --marker` begins to record (`marker 1`), and where it stops (`marker 0`).
 *
 * The marks are instructions of x86 that do nothing. A program can have them itself, around what is to be recorded.
 * Build it for the guest with cc -static -o marker marker.c. */
#define BEGIN ".byte 0x0f,0x1f,0x84,0x00,0xef,0xbe,0xad,0xdf"
#define END ".byte 0x0f,0x1f,0x84,0x00,0xef,0xbe,0xad,0xde"

int main(int argc, char **argv) {
    if (argc > 1 && argv[1][0] == '1')
        __asm__ volatile(BEGIN);
    else
        __asm__ volatile(END);
    return 0;
}
