"""Why nodes do not connect: facts first, all gathered at once, then checks over them.

    facts = gather(kubectl, "chat")      # from the API server, and from one probe inside each pod
    findings = examine(facts)            # pure: passed, failed with evidence and a fix, or skipped and why

A check whose precondition has failed is skipped because of it, so that what is named as failed is a cause and not a
symptom. Nothing is changed, and the cookie does not leave its pod.
"""
