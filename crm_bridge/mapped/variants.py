"""The usual spellings of a number, for a question with `IN` to a database whose numbers were never put in order."""

from __future__ import annotations

from crm_bridge.numbers import Number, Site, area_code


def variants(number: Number, site: Site) -> list[str]:
    """At most some thirty texts, the plain ones first. What they find is parsed again before it counts."""
    key = number.key
    if key is None:
        return []
    if not key.startswith("+"):
        return [key]
    found = [key, key[1:], f"00{key[1:]}"]
    if key.startswith("+86"):
        rest = key[3:]
        found += [rest, f"0{rest}", f"+86 {rest}", f"+86-{rest}", f"86-{rest}"]
        if number.cls == "mobile":
            groups = (rest[:3], rest[3:7], rest[7:])
            for separator in ("-", " "):
                spaced = separator.join(groups)
                found += [spaced, f"+86{separator}{spaced}", f"+86 {spaced}", f"0{spaced}"]
        elif number.cls == "landline":
            area = area_code(key)
            local = rest[len(area) :]
            for subscriber in (local, f"{local[:-4]}-{local[-4:]}", f"{local[:-4]} {local[-4:]}"):
                for form in (f"0{area}-{subscriber}", f"0{area} {subscriber}", f"(0{area}){subscriber}"):
                    found.append(form)
                found += [f"+86-{area}-{subscriber}", f"+86 {area} {subscriber}", f"86-{area}-{subscriber}"]
            if area == site.area_code.removeprefix("0"):
                found += [local, f"{local[:-4]}-{local[-4:]}", f"{local[:-4]} {local[-4:]}"]
        else:
            found += [f"{rest[:3]}-{rest[3:6]}-{rest[6:]}", f"{rest[:3]} {rest[3:6]} {rest[6:]}"]
    return list(dict.fromkeys(found))
