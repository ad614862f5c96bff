"""A straightforward Llama in PyTorch eager: what benchmarks/generation and benchmarks/training are compared with.

Reads the folder that the benchmark wrote (config.json, model.safetensors), then one JSON job a line from standard input; prints one JSON result a line.
Needs torch alone (Debian: python3-torch).
"""
import json
import math
import struct
import sys
import time

import torch
import torch.nn.functional as F


def weights(folder):
    types = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}
    with open(f"{folder}/model.safetensors", "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            tensors[name] = torch.frombuffer(data, dtype=types[entry["dtype"]], count=math.prod(entry["shape"]), offset=begin).view(entry["shape"])
    return tensors


class Norm(torch.nn.Module):
    def __init__(self, weight, eps):
        super().__init__()
        self.weight, self.eps = torch.nn.Parameter(weight), eps

    def forward(self, x):
        wide = x.float()
        return self.weight * (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)).to(x.dtype)


class Linear(torch.nn.Module):
    """x W', and with an adapter + (x A') B' times the scale (LoRA)."""

    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(weight)
        self.a = self.b = None
        self.scale = 0.0

    def adapt(self, rank, alpha):
        self.weight.requires_grad_(False)
        self.a = torch.nn.Parameter(torch.zeros(rank, self.weight.shape[1], dtype=torch.float32, device=self.weight.device))
        self.b = torch.nn.Parameter(torch.zeros(self.weight.shape[0], rank, dtype=torch.float32, device=self.weight.device))
        torch.nn.init.kaiming_uniform_(self.a, a=math.sqrt(5))
        self.scale = alpha / rank

    def forward(self, x):
        y = F.linear(x, self.weight)
        if self.a is None:
            return y
        return y + F.linear(F.linear(x.to(self.a.dtype), self.a), self.b).to(y.dtype) * self.scale


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin


class Layer(torch.nn.Module):
    def __init__(self, config, tensors, prefix):
        super().__init__()
        self.heads, self.groups = config["num_attention_heads"], config["num_key_value_heads"]
        self.size = config.get("head_dim") or config["hidden_size"] // self.heads
        for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
            setattr(self, name, Linear(tensors[f"{prefix}.self_attn.{name}.weight"]))
        for name in ("gate_proj", "up_proj", "down_proj"):
            setattr(self, name, Linear(tensors[f"{prefix}.mlp.{name}.weight"]))
        self.before = Norm(tensors[f"{prefix}.input_layernorm.weight"], config["rms_norm_eps"])
        self.between = Norm(tensors[f"{prefix}.post_attention_layernorm.weight"], config["rms_norm_eps"])

    def forward(self, x, cos, sin, mask, past):
        batch, length, _ = x.shape
        y = self.before(x)
        q, k, v = (p(y).view(batch, length, n, self.size).transpose(1, 2) for p, n in ((self.q_proj, self.heads), (self.k_proj, self.groups), (self.v_proj, self.groups)))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if past is not None:
            k, v = torch.cat((past[0], k), dim=2), torch.cat((past[1], v), dim=2)
        present = (k, v)
        if self.heads > self.groups:
            k, v = (t.repeat_interleave(self.heads // self.groups, dim=1) for t in (k, v))
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = q @ k.transpose(2, 3) / math.sqrt(self.size)
            if mask is not None:
                scores = scores + mask
            y = scores.float().softmax(-1).to(v.dtype) @ v
        x = x + self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))
        y = self.between(x)
        return x + self.down_proj(F.silu(self.gate_proj(y)) * self.up_proj(y)), present


class Llama(torch.nn.Module):
    def __init__(self, folder, device="cpu", dtype=torch.float32):
        super().__init__()
        with open(f"{folder}/config.json", encoding="utf-8") as file:
            config = json.load(file)
        tensors = {name: tensor.to(device, dtype) for name, tensor in weights(folder).items()}
        self.size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        self.embedding = torch.nn.Parameter(tensors["model.embed_tokens.weight"])
        self.layers = torch.nn.ModuleList(Layer(config, tensors, f"model.layers.{i}") for i in range(config["num_hidden_layers"]))
        self.norm = Norm(tensors["model.norm.weight"], config["rms_norm_eps"])
        self.head = self.embedding if config.get("tie_word_embeddings") else torch.nn.Parameter(tensors["lm_head.weight"])
        self.frequencies = config["rope_theta"] ** (-torch.arange(0, self.size, 2, device=device).float() / self.size)

    def forward(self, ids, past=None):
        length, before = ids.shape[1], 0 if past is None else past[0][0].shape[2]
        x = F.embedding(ids, self.embedding)
        angles = torch.arange(before, before + length, device=ids.device).float()[:, None] * self.frequencies
        angles = torch.cat((angles, angles), dim=-1)
        cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        mask = torch.full((length, before + length), float("-inf"), dtype=x.dtype, device=x.device).triu(before + 1) if length > 1 else None
        presents = []
        for i, layer in enumerate(self.layers):
            x, present = layer(x, cos, sin, mask, None if past is None else past[i])
            presents.append(present)
        return self.norm(x), presents


def finish(device):
    if device != "cpu":
        torch.cuda.synchronize()


@torch.no_grad()
def generate(model, prompts, new, device):
    """Greedy continuations of prompts of one length; seconds without the loading."""
    begin = time.perf_counter()
    ids, past, out = torch.tensor(prompts, device=device), None, []
    for _ in range(new):
        hidden, past = model(ids, past)
        ids = F.linear(hidden[:, -1], model.head).argmax(-1, keepdim=True)
        out.append(ids)
    result = torch.cat(out, dim=1).tolist()
    return {"seconds": time.perf_counter() - begin, "ids": result}


def train(model, batches, rate, rank, device):
    """One AdamW step a batch of equal rows; seconds without the first step."""
    if rank:
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for module in model.modules():
            if isinstance(module, Layer):
                module.q_proj.adapt(rank, 2 * rank)
                module.v_proj.adapt(rank, 2 * rank)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=rate, weight_decay=0.0)
    losses, begin = [], 0.0
    for step, batch in enumerate(batches):
        if step == 1:
            finish(device)
            begin = time.perf_counter()
        ids = torch.tensor(batch, device=device)
        hidden, _ = model(ids[:, :-1])
        loss = F.cross_entropy(F.linear(hidden, model.head).float().flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    finish(device)
    return {"seconds": time.perf_counter() - begin, "losses": losses}


def main():
    folder, threads, device, dtype = sys.argv[1], int(sys.argv[2]), sys.argv[3], getattr(torch, sys.argv[4])
    torch.set_num_threads(threads)
    model = None
    for line in sys.stdin:
        job = json.loads(line)
        if job["do"] == "generate":
            model = model or Llama(folder, device, dtype)
            result = generate(model, job["prompts"], job["new"], device)
        else:
            result = train(Llama(folder, device, dtype), job["batches"], job["rate"], job["rank"], device)
        result["torch"] = torch.__version__
        if device != "cpu":
            result["memory"] = torch.cuda.max_memory_allocated()
        print(json.dumps(result), flush=True)


main()
