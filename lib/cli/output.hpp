// SPDX-License-Identifier: Apache-2.0
// Files that the command writes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weighbridge::cli {

// The path that stands for stderr.
inline constexpr const char *to_stderr = "/dev/stderr";

// What is at the end of a path of an output, links followed.
struct Destination {
    int descriptor = -1;   // of "-", /dev/stdout, /dev/stderr and /dev/fd/N, which are written as they are; else -1
    std::string path;      // where it is a file or may become one, else as it was given
    bool is_file = false;  // regular, or not there yet; else a FIFO or a device
};

// A Failure for a directory, a link to nothing, and a descriptor that is not open for writing.
Destination destination_of(const std::string &path);

// An option of the command line that names an output.
struct OutputOption {
    const char *name;  // such as "--output"
    std::string path;
};

// A Failure where one of the outputs, stdout and stderr among them, is the input, lies in the bundle's directory, or is
// another of the outputs, by whatever name; also where the name is that of the file that grows beside another one.
// Called before anything is opened, and opens nothing, but keeps the places of standard streams that are closed.
void check_outputs(const std::string &input, const std::string &bundle, const std::vector<OutputOption> &outputs);

// Of a verb that makes what no option of an output names: a Failure where nothing can be printed, before it is made.
// Keeps the places of the standard streams that are closed.
void check_streams();

// A file to write, or stdout for "-". A file gets its name only when it is closed: until then the text is in
// PATH.wb-partial beside it, which is locked against other runs, and what stood under the name stays. What a killed run
// left there is written over by the next one. Write errors are Failures; where only the last step fails, to take the
// name, the text stays beside it.
class Output {
  public:
    // A Failure where another run writes the same file. Waits for a FIFO's reader; a Failure where a signal ends that.
    explicit Output(const std::string &path);
    // Without close(), the file's name is as before, and nothing stays beside it.
    ~Output();
    Output(const Output &) = delete;
    Output &operator=(const Output &) = delete;

    // Whole lines. They reach a terminal and stderr at once, others a file in pieces.
    void write(std::string_view lines);
    // What was written is out, and on the disk where it is a file, which has its old name still. The last one may fail
    // here, and all the others be as they were.
    void finish();
    void close();
    // A signal came, and the reader of a FIFO or a pipe took nothing for a second: the lines from there on are left
    // out.
    bool is_cut() const { return cut_; }

  private:
    void open_beside();
    void open_special();
    bool reader_takes() const;
    void flush();
    [[noreturn]] void fail(const std::string &what) const;

    std::string path_;  // as it was given
    Destination destination_;
    int fd_ = -1;
    bool direct_ = false;  // each line at once
    bool waits_ = false;   // for a reader: no regular file
    bool cut_ = false;
    bool finished_ = false;
    std::string held_;
};

// For the message of a run that a signal ended.
inline const char *what_is_written(const Output &output, const Output &rejects) {
    return output.is_cut() || rejects.is_cut() ? "not all of which a reader took" : "which are written";
}

}  // namespace weighbridge::cli
