"""The Module: a tree of named parameters, with the rules of ``mlx.nn.Module``.

It is a dict. An attribute that is an array, dict, list or tuple becomes an item; a parameter is an item whose name does
not begin with ``_``; tuples are kept but not walked. ``items`` and the other names of dict's methods, ``training`` and
``state`` cannot be attributes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ..arrays import ArrayLike
from ..dtypes import floating, issubdtype
from ..trees import tree_flatten, tree_unflatten

Filter = Callable[["Module", str, Any], bool]


class Module(dict[str, Any]):
    """The base class of layers and models. A subclass calls ``super().__init__()`` first and defines ``__call__``."""

    __call__: Callable[..., Any]

    def __init__(self) -> None:
        self._no_grad: set[str] = set()
        self._training = True

    @property
    def training(self) -> bool:
        """Whether the module is in training mode, as it is when made."""
        return self._training

    @property
    def state(self) -> Module:
        """The module's own dict: everything in it, not a copy."""
        return self

    def _extra_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        children = tree_flatten(self.children(), is_leaf=self.is_module)
        value = f"{type(self).__name__}({self._extra_repr()}"
        for name, child in children:
            value += "\n" + textwrap.indent(f"({name}): {child!r}", prefix="  ")
        return value + ("\n)" if children else ")")

    def __getattr__(self, key: str) -> Any:
        if (value := self.get(key)) is not None:
            return value
        return super().__getattribute__(key)

    def __setattr__(self, key: str, val: Any) -> None:
        if isinstance(val, (ArrayLike, dict, list, tuple)):
            # What was a plain attribute must go, or it would hide the item.
            if key not in self and (key in self.__dict__ or hasattr(type(self), key)):
                delattr(self, key)
            self[key] = val
        else:
            super().__setattr__(key, val)
            self.pop(key, None)

    def __delattr__(self, name: str) -> None:
        if self.get(name) is not None:
            del self[name]
        else:
            super().__delattr__(name)

    def load_weights(self, file_or_weights: str | list[tuple[str, Any]], strict: bool = True) -> Module:
        """Takes the parameters of a ``.npz`` or ``.safetensors`` file, or of pairs ``(path, array)``.

        With ``strict``, what is missing, unexpected or of another shape is a ``ValueError`` that lists all of it.
        """
        if isinstance(file_or_weights, (str, Path)):
            from .weight_files import load

            weights = list(load(str(file_or_weights)).items())
        else:
            weights = list(file_or_weights)
        if strict:
            self._check_weights(dict(weights))
        if weights:
            self.update(tree_unflatten(weights), strict=False)
        return self

    def _check_weights(self, new: dict[str, Any]) -> None:
        current = tree_flatten(self.parameters(), destination={})
        problems = []
        if extra := sorted(new.keys() - current.keys()):
            problems.append(f"Received {len(extra)} parameters not in model: \n" + ",\n".join(extra) + ".")
        if missing := sorted(current.keys() - new.keys()):
            problems.append(f"Missing {len(missing)} parameters: \n" + ",\n".join(missing) + ".")
        for name in current.keys() & new.keys():
            if not isinstance(new[name], ArrayLike):
                problems.append(f"Expected mx.array but received {type(new[name])} for parameter {name}")
            elif new[name].shape != current[name].shape:
                expected, received = current[name].shape, new[name].shape
                problems.append(f"Expected shape {expected} but received shape {received} for parameter {name}")
        if problems:
            raise ValueError("\n".join(problems))

    def save_weights(self, file: str) -> None:
        """Writes the parameters as ``.npz`` or ``.safetensors``, by the name's ending."""
        from .weight_files import save

        save(str(file), tree_flatten(self.parameters(), destination={}))

    @staticmethod
    def is_module(value: Any) -> bool:
        return isinstance(value, Module)

    @staticmethod
    def valid_child_filter(module: Module, key: str, value: Any) -> bool:
        return isinstance(value, (dict, list))

    @staticmethod
    def valid_parameter_filter(module: Module, key: str, value: Any) -> bool:
        return isinstance(value, (dict, list, ArrayLike)) and not key.startswith("_")

    @staticmethod
    def trainable_parameter_filter(module: Module, key: str, value: Any) -> bool:
        return Module.valid_parameter_filter(module, key, value) and key not in module._no_grad

    def filter_and_map(
        self, filter_fn: Filter, map_fn: Callable[[Any], Any] | None = None, is_leaf_fn: Filter | None = None
    ) -> dict[str, Any]:
        """The contents as a tree: what ``filter_fn`` keeps, its leaves through ``map_fn``."""
        map_fn = map_fn or (lambda value: value)
        is_leaf_fn = is_leaf_fn or (lambda module, key, value: not isinstance(value, (Module, dict, list)))
        return {
            key: _walk(self, key, value, filter_fn, map_fn, is_leaf_fn)
            for key, value in self.items()
            if filter_fn(self, key, value)
        }

    def parameters(self) -> dict[str, Any]:
        """All parameters, as a tree of dicts and lists."""
        return self.filter_and_map(self.valid_parameter_filter)

    def trainable_parameters(self) -> dict[str, Any]:
        """The parameters that are not frozen."""
        return self.filter_and_map(self.trainable_parameter_filter)

    def children(self) -> dict[str, Any]:
        """The modules directly below this one."""
        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=lambda m, k, v: isinstance(v, Module))

    def leaf_modules(self) -> dict[str, Any]:
        """The modules that hold no other modules."""

        def is_leaf(module: Module, key: str, value: Any) -> bool:
            return isinstance(value, Module) and len(tree_flatten(value.children())) == 0

        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=is_leaf)

    def update(self, parameters: Any, strict: bool = True) -> Module:  # type: ignore[override]
        """Replaces the parameters named in the tree ``parameters``, which may hold only some of them."""
        _replace_parameters(self, parameters, strict)
        return self

    def apply(self, map_fn: Callable[[Any], Any], filter_fn: Filter | None = None) -> Module:
        """Replaces every parameter by ``map_fn`` of it."""
        self.update(self.filter_and_map(filter_fn or Module.valid_parameter_filter, map_fn))
        return self

    def update_modules(self, modules: Any, strict: bool = True) -> Module:
        """Replaces the modules named in the tree ``modules``."""
        _replace_modules(self, modules, strict)
        return self

    def apply_to_modules(self, apply_fn: Callable[[str, Module], Any]) -> Module:
        """Calls ``apply_fn(path, module)`` for this module (path ``""``) and all below it."""
        pending: list[tuple[str, Module]] = [("", self)]
        while pending:
            prefix, module = pending.pop()
            apply_fn(prefix, module)
            _collect_children(module, prefix, pending)
        return self

    def modules(self) -> list[Module]:
        return [module for _, module in self.named_modules()]

    def named_modules(self) -> list[tuple[str, Module]]:
        """``(path, module)`` of this module and all below it."""
        found: list[tuple[str, Module]] = []
        self.apply_to_modules(lambda path, module: found.append((path, module)))
        return found

    def _checked_keys(self, keys: str | list[str], strict: bool) -> list[str]:
        names = keys if isinstance(keys, list) else [keys]
        if strict and (unknown := [name for name in names if name not in self]):
            raise KeyError(f"Module doesn't contain member {unknown[0]}.")
        return names

    def freeze(self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False) -> Module:
        """Takes parameters (all, or those named ``keys``) out of ``trainable_parameters``."""

        def freeze_one(_: str, module: Module) -> None:
            names = keys
            if names is None:
                own = module.filter_and_map(
                    lambda m, k, v: not isinstance(v, Module) and m.valid_parameter_filter(m, k, v)
                )
                names = [path for path, _ in tree_flatten(own)]
            module._no_grad.update(module._checked_keys(names, strict and not recurse))

        return self._frozen_by(freeze_one, recurse, keys, strict)

    def unfreeze(self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False) -> Module:
        """Makes parameters (all, or those named ``keys``) trainable again."""

        def unfreeze_one(_: str, module: Module) -> None:
            if keys is None:
                module._no_grad.clear()
            else:
                module._no_grad.difference_update(module._checked_keys(keys, strict and not recurse))

        return self._frozen_by(unfreeze_one, recurse, keys, strict)

    def _frozen_by(
        self, change: Callable[[str, Module], None], recurse: bool, keys: str | list[str] | None, strict: bool
    ) -> Module:
        if not recurse:
            change("", self)
            return self
        if strict and keys is not None:
            modules = self.modules()
            for key in keys if isinstance(keys, list) else [keys]:
                if not any(key in module for module in modules):
                    raise KeyError(f"Module doesn't contain member {key}.")
        self.apply_to_modules(change)
        return self

    def _set_training_mode(self, mode: bool) -> None:
        self._training = mode

    def train(self, mode: bool = True) -> Module:
        """Training mode (dropout drops) or not, for this module and all below it."""
        self.apply_to_modules(lambda _, module: module._set_training_mode(mode))
        return self

    def eval(self) -> Module:
        """Evaluation mode: ``train(False)``."""
        return self.train(False)

    def set_dtype(
        self, dtype: Any, predicate: Callable[[Any], bool] | None = lambda dtype: issubdtype(dtype, floating)
    ) -> None:
        """Casts the parameters whose dtype ``predicate`` accepts: the floating ones unless told otherwise."""
        self.apply(lambda x: x.astype(dtype) if predicate is None or predicate(x.dtype) else x)


def _collect_children(value: Any, path: str, found: list[tuple[str, Module]]) -> None:
    """The modules directly below, as ``tree_flatten(children())`` gives them, without making that tree."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(inner, Module):
            found.append((f"{path}.{key}" if path else str(key), inner))
        elif isinstance(inner, (dict, list)):
            _collect_children(inner, f"{path}.{key}" if path else str(key), found)


def _walk(model: Module, key: str, value: Any, filter_fn: Filter, map_fn: Callable[[Any], Any], is_leaf: Filter) -> Any:
    if is_leaf(model, key, value):
        return map_fn(value)
    if isinstance(value, Module):
        return {k: _walk(value, k, v, filter_fn, map_fn, is_leaf) for k, v in value.items() if filter_fn(value, k, v)}
    if not isinstance(value, (dict, list)):
        raise RuntimeError("Unexpected leaf found while traversing the module")

    def child(name: Any, inner: Any) -> Any:
        path = f"{key}.{name}"
        return _walk(model, path, inner, filter_fn, map_fn, is_leaf) if filter_fn(model, path, inner) else {}

    if isinstance(value, dict):
        return {name: child(name, inner) for name, inner in value.items()}
    return [child(at, inner) for at, inner in enumerate(value)]


def _places(target: Any, tree: Any, strict: bool, what: str) -> Iterable[tuple[Any, Any]]:
    """The keys or positions of ``tree`` that ``target`` has too, with the new value for each."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in target:
                yield key, value
            elif strict:
                raise ValueError(f'Module does not have {what} named "{key}".')
    elif isinstance(tree, list):
        for at, value in enumerate(tree):
            if at < len(target):
                yield at, value
            elif strict:
                raise ValueError(f"List index {at} is out of bounds for destination of length {len(target)}.")
    elif strict:
        raise ValueError(f"Received invalid type: {type(tree).__name__}.")


def _replace_parameters(target: Any, tree: Any, strict: bool) -> None:
    for place, value in _places(target, tree, strict, "parameter"):
        if not isinstance(target[place], ArrayLike):
            _replace_parameters(target[place], value, strict)
        elif strict and not isinstance(value, ArrayLike):
            raise ValueError(f"Received invalid type: {type(value).__name__}.")
        else:
            target[place] = value


def _replace_modules(target: Any, tree: Any, strict: bool) -> None:
    for place, value in _places(target, tree, strict, "sub-module"):
        current = target[place]
        if isinstance(current, Module) and isinstance(value, Module):
            target[place] = value
        elif isinstance(current, (dict, list)):
            _replace_modules(current, value, strict)
        elif strict and value != {}:
            raise ValueError(f"Received invalid type: {type(value).__name__}.")
