/* Writes down every access to memory of a guest that QEMU emulates, in the format of convert/formats/qemu_plugin.py.
 *
 * Arguments: fd=N (where to write), skip=N (accesses left out at first), marker=on (record between marks only).
 * The interface of QEMU's plug-ins needs no header: what is used of it is declared here. PLUGIN_VERSION is 1 for
 * QEMU before 9.0, 2 since. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t plugin_id;
typedef uint32_t access_info;
typedef struct block block;
typedef struct instruction instruction;
typedef struct physical physical;
typedef struct {
    const char *target;
    struct { int min, cur; } version;
    bool system_emulation;
} emulator;

extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, void (*)(plugin_id, block *));
extern void qemu_plugin_register_atexit_cb(plugin_id, void (*)(plugin_id, void *), void *);
extern void qemu_plugin_register_vcpu_insn_exec_cb(instruction *, void (*)(unsigned, void *), int, void *);
extern void qemu_plugin_register_vcpu_mem_cb(instruction *, void (*)(unsigned, access_info, uint64_t, void *), int, int,
                                             void *);
extern size_t qemu_plugin_tb_n_insns(const block *);
extern instruction *qemu_plugin_tb_get_insn(const block *, size_t);
/* Returns a pointer to the bytes before version 3 of the interface, and copies them since; an argument more does no harm. */
extern uintptr_t qemu_plugin_insn_data(const instruction *, void *, size_t);
extern size_t qemu_plugin_insn_size(const instruction *);
extern bool qemu_plugin_mem_is_store(access_info);
extern unsigned qemu_plugin_mem_size_shift(access_info);
extern physical *qemu_plugin_get_hwaddr(access_info, uint64_t);
extern bool qemu_plugin_hwaddr_is_io(const physical *);
extern uint64_t qemu_plugin_hwaddr_phys_addr(const physical *);

/* Of the emulator itself, which most builds let plug-ins see: the guest's clock, and what of it is instructions. */
extern int64_t qemu_clock_get_ns(int) __attribute__((weak));
extern int64_t icount_get_raw(void) __attribute__((weak));
extern int64_t icount_to_ns(int64_t) __attribute__((weak));

#define EXPORTED __attribute__((visibility("default")))
#define NO_REGISTERS 0
#define LOADS_AND_STORES 3
#define VIRTUAL_CLOCK 1
#define MOST_VCPUS 65536
#define BUFFERED 2048
#define HIGH_DESCRIPTOR 900

enum { PHYSICAL = 1 };
enum { STORE = 1, NO_ACCESS = 2, DEVICE = 4 };

struct header { char magic[8]; uint32_t version, flags; uint8_t zeros[16]; };
struct record { uint64_t address, instructions, idle_ns; uint32_t size; uint16_t vcpu, flags; };

/* A vCPU: its instructions, those that are written down, and the time that it was idle since its last record. */
static struct vcpu {
    uint64_t instructions, written;
    int64_t idle_ns, halted_at;
    bool halted;
} __attribute__((aligned(64))) vcpus[MOST_VCPUS];

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct record buffer[BUFFERED];
static size_t buffered;
static int output = -1;
static uint64_t skip;
static volatile bool recording = true;
static bool is_system, marked, copies_data;
static pid_t owner;

/* The guest's time that is not spent on instructions. Without -icount, that is the guest's clock. */
static int64_t idle_clock(void) {
    struct timespec now;
    if (qemu_clock_get_ns && icount_get_raw && icount_to_ns)
        return qemu_clock_get_ns(VIRTUAL_CLOCK) - icount_to_ns(icount_get_raw());
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* With -icount the emulator lets no thread of a vCPU read the clock within a block; so another one reads it. */
static sem_t asked, answered;
static int64_t answer;

static void *read_clock(void *unused) {
    for (;;) {
        while (sem_wait(&asked))
            ;
        answer = idle_clock();
        sem_post(&answered);
    }
    return unused;
}

static int64_t idle_clock_from_vcpu(void) {
    static pthread_t reader;
    if (!reader) {
        sem_init(&asked, 0, 0);
        sem_init(&answered, 0, 0);
        pthread_create(&reader, NULL, read_clock, NULL);
    }
    sem_post(&asked);
    while (sem_wait(&answered))
        ;
    return answer;
}

/* A process that the guest has forked shares the output, and leaves it alone. */
static void write_all(const void *data, size_t size) {
    const char *next = data;
    while (size && getpid() == owner) {
        ssize_t done = write(output, next, size);
        if (done < 0 && errno != EINTR)
            _exit(errno == EPIPE ? 0 : 1);
        next += done > 0 ? done : 0;
        size -= done > 0 ? done : 0;
    }
}

static void flush(void) {
    write_all(buffer, buffered * sizeof *buffer);
    buffered = 0;
}

static void put(unsigned index, uint64_t address, uint32_t size, uint16_t flags) {
    struct vcpu *vcpu = &vcpus[index];
    buffer[buffered++] = (struct record){address, vcpu->instructions - vcpu->written, vcpu->idle_ns, size, index, flags};
    vcpu->written = vcpu->instructions;
    vcpu->idle_ns = 0;
    if (buffered == BUFFERED)
        flush();
}

/* What was executed, and idled, until now is not written down. */
static void begin(void) {
    int64_t now = is_system ? idle_clock_from_vcpu() : 0;
    for (size_t i = 0; i < MOST_VCPUS; i++) {
        vcpus[i].written = vcpus[i].instructions;
        vcpus[i].idle_ns = 0;
        vcpus[i].halted_at = now;
    }
}

static void on_execution(unsigned index, void *unused) {
    struct vcpu *vcpu = &vcpus[index];
    (void)unused;
    if (vcpu->halted) {
        pthread_mutex_lock(&mutex);
        vcpu->halted = false;
        vcpu->idle_ns += idle_clock_from_vcpu() - vcpu->halted_at;
        pthread_mutex_unlock(&mutex);
    }
    vcpu->instructions++;
}

/* The vCPU idles from here to its next instruction. */
static void on_halt(unsigned index, void *unused) {
    (void)unused;
    pthread_mutex_lock(&mutex);
    vcpus[index].halted_at = idle_clock_from_vcpu();
    vcpus[index].halted = true;
    pthread_mutex_unlock(&mutex);
}

/* What each vCPU did after its last access. */
static void put_rest(void) {
    for (size_t i = 0; i < MOST_VCPUS; i++) {
        if (vcpus[i].halted)
            vcpus[i].idle_ns += idle_clock_from_vcpu() - vcpus[i].halted_at;
        if (vcpus[i].instructions != vcpus[i].written || vcpus[i].idle_ns)
            put(i, 0, 0, NO_ACCESS);
    }
}

static void on_mark(unsigned index, void *on) {
    (void)index;
    pthread_mutex_lock(&mutex);
    if (on && !recording)
        begin();
    if (!on && recording && !skip)
        put_rest();
    recording = on != NULL;
    pthread_mutex_unlock(&mutex);
}

static void on_access(unsigned index, access_info info, uint64_t address, void *unused) {
    uint16_t flags = qemu_plugin_mem_is_store(info) ? STORE : 0;
    (void)unused;
    if (!recording)
        return;
    if (is_system) {
        physical *place = qemu_plugin_get_hwaddr(info, address);
        if (!place || qemu_plugin_hwaddr_is_io(place))
            flags |= DEVICE;
        else
            address = qemu_plugin_hwaddr_phys_addr(place);
    }
    pthread_mutex_lock(&mutex);
    if (!skip)
        put(index, address, 1u << qemu_plugin_mem_size_shift(info), flags);
    else if (!--skip)
        begin();
    pthread_mutex_unlock(&mutex);
}

static size_t bytes_of(const instruction *which, uint8_t *bytes, size_t most) {
    size_t size = qemu_plugin_insn_size(which);
    uintptr_t data = qemu_plugin_insn_data(which, bytes, most);
    if (!copies_data)
        memcpy(bytes, (const void *)data, size < most ? size : most);
    return size;
}

static bool begins(const uint8_t *bytes, size_t size, const char *with, size_t length) {
    return size == length && !memcmp(bytes, with, length);
}

/* x86: hlt, mwait; 64-bit ARM: wfi. */
static bool halts(const uint8_t *bytes, size_t size) {
    return begins(bytes, size, "\xf4", 1) || begins(bytes, size, "\x0f\x01\xc9", 3) ||
           begins(bytes, size, "\x7f\x20\x03\xd5", 4);
}

static void on_translation(plugin_id id, block *translated) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(translated); i++) {
        instruction *each = qemu_plugin_tb_get_insn(translated, i);
        uint8_t bytes[16] = {0};
        size_t size = bytes_of(each, bytes, sizeof bytes);
        qemu_plugin_register_vcpu_insn_exec_cb(each, on_execution, NO_REGISTERS, NULL);
        if (is_system && halts(bytes, size))
            qemu_plugin_register_vcpu_insn_exec_cb(each, on_halt, NO_REGISTERS, NULL);
        if (marked && size == 8 && !memcmp(bytes, "\x0f\x1f\x84\x00\xef\xbe\xad", 7) && (bytes[7] | 1) == 0xdf)
            qemu_plugin_register_vcpu_insn_exec_cb(each, on_mark, NO_REGISTERS, (void *)(uintptr_t)(bytes[7] & 1));
        qemu_plugin_register_vcpu_mem_cb(each, on_access, NO_REGISTERS, LOADS_AND_STORES, NULL);
    }
}

static void on_end(plugin_id id, void *unused) {
    (void)id, (void)unused;
    pthread_mutex_lock(&mutex);
    if (recording && !skip)
        put_rest();
    flush();
    pthread_mutex_unlock(&mutex);
}

static void read_argument(const char *argument) {
    if (!strncmp(argument, "fd=", 3))
        output = atoi(argument + 3);
    if (!strncmp(argument, "skip=", 5))
        skip = strtoull(argument + 5, NULL, 10);
    if (!strcmp(argument, "marker=on"))
        marked = true;
}

/* Guests in user mode share the descriptors, and like to close low ones. */
static void keep_output_apart(void) {
    int high = fcntl(output, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR);
    if (high >= 0)
        close(output);
    output = high >= 0 ? high : output;
    fcntl(output, F_SETFD, FD_CLOEXEC);
}

EXPORTED int qemu_plugin_version = PLUGIN_VERSION;

EXPORTED int qemu_plugin_install(plugin_id id, const emulator *info, int argc, char **argv) {
    struct header header = {.magic = "vmftrace", .version = 1, .flags = info->system_emulation ? PHYSICAL : 0};
    for (int i = 0; i < argc; i++)
        read_argument(argv[i]);
    keep_output_apart();
    owner = getpid();
    is_system = info->system_emulation;
    copies_data = info->version.cur >= 3;
    recording = !marked;
    write_all(&header, sizeof header);
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    qemu_plugin_register_atexit_cb(id, on_end, NULL);
    return 0;
}
