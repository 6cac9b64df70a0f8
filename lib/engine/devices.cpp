// SPDX-License-Identifier: Apache-2.0
#include "engine/devices.hpp"

#include <utility>

#include "backend/cuda/device.hpp"
#include "base/file.hpp"
#include "base/number.hpp"
#include "base/own_directory.hpp"
#include "base/sha256.hpp"

namespace weighbridge::lib {
namespace {

constexpr int kMostContexts = 1024;
constexpr int kMostOrdinal = 127;
constexpr int kRunsInFlight = 2;  // of a context: one is copied while another runs
constexpr uint64_t kMostKernelBytes = uint64_t{64} << 20;

bool parse_cuda(std::string_view text, CudaRequest &request) {
    const size_t equals = text.find('=');
    if (equals != text.npos && !parse_number(text.substr(equals + 1), 1, kMostContexts, request.contexts)) return false;
    std::string_view ordinal = text.substr(0, equals);
    for (; ordinal.ends_with('?') || ordinal.ends_with('!'); ordinal.remove_suffix(1)) {
        bool &mark = ordinal.back() == '?' ? request.optional : request.preferred;
        if (std::exchange(mark, true)) return false;
    }
    return parse_number(ordinal, 0, kMostOrdinal, request.ordinal);
}

// The file of kernels, which is this build's own, by its digest. A build without any takes one that the host names.
Expected<Bytes> read_kernels(const std::string &named) {
    const std::string path = named.empty() ? own_directory() + "/weighbridge_cuda.fatbin" : named;
#if defined(WEIGHBRIDGE_FATBIN_SHA256)  // cmake/Cuda.cmake
    auto kernels = read_file(path, kMostKernelBytes);
    if (!kernels) return Status::failure(WB_BACKEND_UNAVAILABLE, "the GPU kernels: {}", kernels.status().message);
    auto digest = sha256(*kernels);
    if (!digest) return digest.status();
    const std::string found = hex(*digest);
    if (found == std::string_view(WEIGHBRIDGE_FATBIN_SHA256)) return kernels;
    return Status::failure(
        WB_BACKEND_UNAVAILABLE,
        "the GPU kernels in {}: expected sha256 {} as of this build, found {}: the file is damaged or of "
        "another build",
        path, WEIGHBRIDGE_FATBIN_SHA256, found);
#else
    if (named.empty())
        return Status::failure(WB_BACKEND_UNAVAILABLE,
                               "this build has no GPU kernels: it was made without WEIGHBRIDGE_BUILD_CUDA");
    auto kernels = read_file(path, kMostKernelBytes);
    if (kernels) return kernels;
    return Status::failure(WB_BACKEND_UNAVAILABLE, "the GPU kernels: {}", kernels.status().message);
#endif
}

struct Requests {
    bool cpu = false;
    int cpu_contexts = 0;
    std::vector<CudaRequest> cuda;

    bool add(std::string_view text) {
        if (text == "cpu" || text.starts_with("cpu=")) {
            const bool once = !cpu;
            cpu = true;
            return once && (text == "cpu" || parse_number(text.substr(4), 1, kMostContexts, cpu_contexts));
        }
        CudaRequest request;
        if (!text.starts_with("cuda:") || !parse_cuda(text.substr(5), request)) return false;
        for (const CudaRequest &other : cuda)
            if (other.ordinal == request.ordinal) return false;
        cuda.push_back(request);
        return true;
    }
};

Expected<DevicePart> open_device(const CudaRequest &request, const std::shared_ptr<const cuda::Driver> &driver,
                                 ByteView kernels) {
    auto device = cuda::GpuDevice::open(driver, request.ordinal, kernels);
    if (!device) return device.status();
    return DevicePart{DeviceContexts(request.contexts, {Device::Kind::cuda, request.ordinal}, kRunsInFlight),
                      make_cuda_backend(*std::move(device)), request.preferred};
}

// What keeps a device from being used, said once of which.
std::string named(const std::string &device, std::string_view message) {
    if (message.starts_with(device)) return std::string(message);
    if (message.starts_with("cuda: ")) message.remove_prefix(6);
    return device + ": " + std::string(message);
}

}  // namespace

bool parse_devices(EngineOptions &set, std::string_view text) {
    Requests requests;
    for (;;) {
        const size_t comma = text.find(',');
        if (!requests.add(text.substr(0, comma))) return false;
        if (comma == text.npos) break;
        text.remove_prefix(comma + 1);
    }
    set.cpu_contexts = requests.cpu_contexts;
    set.cuda = std::move(requests.cuda);
    return true;
}

Expected<std::vector<DevicePart>> open_devices(const EngineOptions &options, std::vector<std::string> &missing) {
    std::vector<DevicePart> parts;
    if (options.cuda.empty()) return parts;
    auto driver =
        cuda::Driver::open(options.cuda_driver.empty() ? std::string(cuda::kDriverLibrary) : options.cuda_driver);
    auto kernels = driver ? read_kernels(options.cuda_kernels) : driver.status();
    for (const CudaRequest &request : options.cuda) {
        auto part = kernels ? open_device(request, *driver, *kernels) : kernels.status();
        if (part) {
            parts.push_back(*std::move(part));
            continue;
        }
        std::string why = named(name_of(Device{Device::Kind::cuda, request.ordinal}), part.status().message);
        if (!request.optional) return Status::failure(part.status().code, "{}", why);
        missing.push_back(std::move(why));
    }
    return parts;
}

}  // namespace weighbridge::lib
