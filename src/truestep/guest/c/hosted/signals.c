/* Signals that the program sends itself: delivered at once, or when they are unblocked. No others exist. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <truestep.h>

#include "../runtime/format.h"
#include "ksigaction.h"
#include "system.h"

enum { SIGNALS = _NSIG - 1 };

static struct k_sigaction actions[SIGNALS];
static uint64_t blocked, pending;

static uint64_t bit_of(int signal) { return (uint64_t)1 << (signal - 1); }

static int is_ignored_by_default(int signal) {
    return signal == SIGCHLD || signal == SIGCONT || signal == SIGURG || signal == SIGWINCH;
}

static void deliver(int signal) {
    struct k_sigaction *action = &actions[signal - 1];
    void (*handler)(int) = action->handler;
    if (handler == SIG_IGN || (handler == SIG_DFL && is_ignored_by_default(signal))) return;
    if (handler == SIG_DFL) {
        __truestep_say(signal == SIGABRT ? "abort\n" : "ended by signal %d\n", signal);
        _Exit(128 + signal);
    }
    uint64_t before = blocked, mask;
    memcpy(&mask, action->mask, sizeof mask);
    blocked |= mask | (action->flags & SA_NODEFER ? 0 : bit_of(signal));
    if (action->flags & SA_RESETHAND) action->handler = SIG_DFL;
    if (action->flags & SA_SIGINFO) {
        siginfo_t information = {.si_signo = signal, .si_code = SI_TKILL};
        ((void (*)(int, siginfo_t *, void *))(void *)handler)(signal, &information, NULL);
    } else {
        handler(signal);
    }
    blocked = before;
}

static void deliver_pending(void) {
    for (uint64_t ready; (ready = pending & ~blocked);) {
        int signal = __builtin_ctzll(ready) + 1;
        pending &= ~bit_of(signal);
        deliver(signal);
    }
}

long __truestep_signal(int signal) {
    if (signal < 0 || signal > SIGNALS) return -EINVAL;
    if (!signal) return 0;
    pending |= bit_of(signal);
    deliver_pending();
    return 0;
}

long __truestep_signals_pending(uint64_t *set) { return *set = pending, 0; }

long __truestep_signal_action(int signal, const struct k_sigaction *action, struct k_sigaction *before) {
    if (signal < 1 || signal > SIGNALS) return -EINVAL;
    if (action && (signal == SIGKILL || signal == SIGSTOP)) return -EINVAL;
    if (before) *before = actions[signal - 1];
    if (action) actions[signal - 1] = *action;
    return 0;
}

long __truestep_signal_mask(int how, const uint64_t *set, uint64_t *before) {
    if (before) *before = blocked;
    if (!set) return 0;
    if (how == SIG_BLOCK) blocked |= *set;
    else if (how == SIG_UNBLOCK) blocked &= ~*set;
    else if (how == SIG_SETMASK) blocked = *set;
    else return -EINVAL;
    blocked &= ~(bit_of(SIGKILL) | bit_of(SIGSTOP));
    deliver_pending();
    return 0;
}
