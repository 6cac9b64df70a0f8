// SPDX-License-Identifier: Apache-2.0
// An importer without a plug-in, for tests of what talks to importers. What its own file is called decides what it does
// (TestImporter makes links):
//   good       imports every module as the graph that lies in <file>.graph
//   refuses    imports none, with two lines of which one holds other bytes than ASCII
//   memory     imports none, for want of memory
//   told       imports none: its line tells environment, blocked and ignored signals, process group
//   old        is of another version        declines   can set up no sandbox
//   silent     never starts                 early      ends before it starts, with code 3
//   hangs      imports for ever, whatever it is signalled
//   dies       is ended by SIGABRT          cuts       ends in the middle of a reply
//   garbage    writes no frame              huge       announces 2^60 bytes
//   order      answers by an order          other      gives a graph that is none
//   deaf       closes its pipes and stays
// Its number is in <file>.pid.
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include "isolation/wire.hpp"

using namespace weighbridge::lib;

namespace {

void write_all(ByteView bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(4, bytes.data(), bytes.size());
        if (written <= 0) ::_exit(1);
        bytes = bytes.subspan(static_cast<size_t>(written));
    }
}

void say(WireHead head, std::string_view body) {
    write_all({reinterpret_cast<const std::byte *>(&head), sizeof head});
    write_all(as_bytes(body));
    write_all(as_bytes({kWireTrailer, sizeof kWireTrailer}));
}

void reply(int32_t code, std::string_view body) { say(wire_head(WireKind::reply, code, body.size()), body); }

void take_order() {
    WireReader reader(uint64_t{1} << 30);
    std::byte buffer[4096];
    while (!reader.done()) {
        const ssize_t came = ::read(3, buffer, sizeof buffer);
        if (came <= 0 || !reader.take({buffer, static_cast<size_t>(came)}).ok()) ::_exit(0);
    }
}

void stay() {
    for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_IGN);
    for (;;) ::pause();
}

std::string state() {
    int variables = 0;
    while (environ[variables]) ++variables;
    sigset_t blocked;
    ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
    int held = 0, ignored = 0;
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action {};
        if (::sigaction(number, nullptr, &action) == 0) ignored += action.sa_handler == SIG_IGN;
        held += ::sigismember(&blocked, number) == 1;
    }
    return "environment " + std::to_string(variables) + ", blocked " + std::to_string(held) + ", ignored " +
           std::to_string(ignored) + ", own group " + std::to_string(::getpgrp() == ::getpid());
}

std::string content(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void answer(const std::string &mode, const std::string &self) {
    if (mode == "good") reply(WB_OK, content(self + ".graph"));
    if (mode == "other") reply(WB_OK, "no graph");
    if (mode == "refuses") reply(WB_INVALID_BUNDLE, "aten::sort, model.py:3: s\xf6rts\naten::lstm, model.py:4: loops");
    if (mode == "memory") reply(WB_OUT_OF_MEMORY, "out of memory");
    if (mode == "told") reply(WB_INVALID_BUNDLE, state());
    if (mode == "hangs") stay();
    if (mode == "dies") std::raise(SIGABRT);
    if (mode == "cuts") {
        const WireHead head = wire_head(WireKind::reply, WB_OK, 100);
        write_all({reinterpret_cast<const std::byte *>(&head), sizeof head});
        write_all(as_bytes("half"));
        ::_exit(0);
    }
    if (mode == "garbage") write_all(as_bytes("this is what a module printed, and no frame at all"));
    if (mode == "huge") say(wire_head(WireKind::reply, WB_OK, uint64_t{1} << 60), "");
    if (mode == "order") say(wire_head(WireKind::run, WB_OK, 0), "");
    if (mode == "deaf") {
        ::close(3);
        ::close(4);
        stay();
    }
}

}  // namespace

int main(int, char **argv) {
    const std::string self = argv[0], mode = self.substr(self.rfind('/') + 1);
    std::ofstream(self + ".pid") << ::getpid();
    if (mode == "early") return 3;
    if (mode == "silent") stay();
    take_order();
    if (mode == "declines")
        reply(WB_BACKEND_UNAVAILABLE, "seccomp: Operation not permitted: choose");
    else
        reply(WB_OK, mode == "old" ? "0.0.1, plug-in ABI 1, wire 1" : importer_version());
    for (;;) {
        take_order();
        answer(mode, self);
    }
}
